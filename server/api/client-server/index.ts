import type {Route} from '../../http/index.ts';
import type {Services} from '../../services.ts';
import {getCapabilities} from './capabilities.ts';
import {getWellknownSupport} from './support.ts';
import {getVersions} from './versions.ts';
import {getWellknown} from './wellknown.ts';

/** The client-server API, in the order of the specification's files. */
export const clientServerRoutes: readonly Route<Services>[] = [getCapabilities, getVersions];

/** What clients ask of the server name's own host. */
export const clientWellKnownRoutes: readonly Route<Services>[] = [getWellknownSupport, getWellknown];
