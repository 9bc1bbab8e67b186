import {json} from '../../http/index.ts';
import {route} from '../route.ts';

/** Clients that sign somebody in look once; an hour later the same is still true. */
const headers = {'cache-control': 'public, max-age=3600'};

/**
 * Tells clients how to sign people in by OAuth.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1auth_metadata
 */
export const getAuthMetadata = route({
	id: 'getAuthMetadata',
	method: 'GET',
	path: '/_matrix/client/v1/auth_metadata',
	auth: 'none',
	handle: (_request, {oauth}) => json(oauth.metadata({isOlder: false}), {headers}),
});

/**
 * The same for what finds it by the issuer's name, and by the name that it had before it was specified.
 * @see https://www.rfc-editor.org/rfc/rfc8414#section-3
 */
export const getIssuerMetadata = route({
	id: 'getIssuerMetadata',
	method: 'GET',
	path: '/.well-known/oauth-authorization-server',
	alsoAt: ['/.well-known/openid-configuration', '/_matrix/client/unstable/org.matrix.msc2965/auth_metadata'],
	auth: 'none',
	handle: (_request, {oauth}) => json(oauth.metadata({isOlder: true}), {headers}),
});
