import type {RouteTable} from '../../http/index.ts';
import type {Services} from '../../services.ts';
import {getHealth} from './health.ts';
import {getMetrics} from './metrics.ts';

/** What operators and their tools ask; not of the specification. */
export const operationsRoutes: readonly RouteTable<Services>[] = [
	{serves: 'everywhere', routes: [getHealth]},
	{serves: 'metrics', routes: [getMetrics]},
];
