import type {Route} from '../../http/index.ts';
import type {Services} from '../../services.ts';
import {getWellKnown} from './wellknown.ts';

/** The server-server API, in the order of the specification's files. */
export const serverServerRoutes: readonly Route<Services>[] = [];

/** What other servers ask of the server name's own host. */
export const serverWellKnownRoutes: readonly Route<Services>[] = [getWellKnown];
