import type {RouteTable} from '../http/index.ts';
import type {Services} from '../services.ts';
import {adminRoutes} from './admin/index.ts';
import {clientServerRoutes, clientWellKnownRoutes, mediaRoutes, syncRoutes} from './client-server/index.ts';
import {oauthRoutes} from './oauth/index.ts';
import {operationsRoutes} from './operations/index.ts';
import {pageRoutes} from './pages/index.ts';
import {serverMediaRoutes, serverServerRoutes, serverWellKnownRoutes} from './server-server/index.ts';

export {errorMappers} from './errors.ts';

/** A part of the APIs that a process may serve without the others; every process answers `operations`. */
export type ApiPart = 'client' | 'sync' | 'media' | 'federation' | 'well-known' | 'admin' | 'operations';

/** The routes of a part that one kind of listener serves. */
export interface ApiTable extends RouteTable<Services> {
	readonly part: ApiPart;
}

/** Every endpoint of every API, with the part it belongs to and the kind of listener that serves it. */
export const routeTables: readonly ApiTable[] = [
	{part: 'client', serves: 'client', routes: [...clientServerRoutes, ...oauthRoutes, ...pageRoutes]},
	{part: 'sync', serves: 'client', routes: syncRoutes},
	{part: 'media', serves: 'client', routes: mediaRoutes},
	{part: 'admin', serves: 'admin', routes: adminRoutes},
	{part: 'federation', serves: 'federation', routes: serverServerRoutes},
	{part: 'media', serves: 'federation', routes: serverMediaRoutes},
	{part: 'well-known', serves: 'well-known', routes: [...clientWellKnownRoutes, ...serverWellKnownRoutes]},
	...operationsRoutes.map((table): ApiTable => ({part: 'operations', ...table})),
];
