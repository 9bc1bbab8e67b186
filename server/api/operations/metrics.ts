import {content} from '../../http/index.ts';
import {route} from '../route.ts';

/** Gives what the server measures of itself, in the text format of Prometheus. */
export const getMetrics = route({
	id: 'getMetrics',
	method: 'GET',
	path: '/metrics',
	auth: 'none',
	work: 'none',
	async handle(_request, {metrics}) {
		return content(metrics.contentType, await metrics.render());
	},
});
