import type {RouteTable} from '../http/index.ts';
import type {Services} from '../services.ts';
import {adminRoutes} from './admin/index.ts';
import {clientServerRoutes, clientWellKnownRoutes} from './client-server/index.ts';
import {operationsRoutes} from './operations/index.ts';
import {pageRoutes} from './pages/index.ts';
import {serverServerRoutes, serverWellKnownRoutes} from './server-server/index.ts';

export {errorMappers} from './errors.ts';

/** Every endpoint of every API, with the kind of listener that serves it. */
export const routeTables: readonly RouteTable<Services>[] = [
	{serves: 'client', routes: [...clientServerRoutes, ...pageRoutes]},
	{serves: 'admin', routes: adminRoutes},
	{serves: 'federation', routes: serverServerRoutes},
	{serves: 'well-known', routes: [...clientWellKnownRoutes, ...serverWellKnownRoutes]},
	...operationsRoutes,
];
