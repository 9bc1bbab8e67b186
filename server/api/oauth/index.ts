import type {Route} from '../../http/index.ts';
import type {Services} from '../../services.ts';
import {getAuthMetadata, getIssuerMetadata} from './metadata.ts';
import {getToken, registerClient, revokeToken, startDeviceAuthorization} from './protocol.ts';

/** Signing in by OAuth 2.0, as far as clients speak it; what people see is among the pages. */
export const oauthRoutes: readonly Route<Services>[] = [
	getAuthMetadata,
	getIssuerMetadata,
	registerClient,
	getToken,
	startDeviceAuthorization,
	revokeToken,
];
