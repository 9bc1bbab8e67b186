import {json} from '../../http/index.ts';
import {route} from '../route.ts';

/** Answers 200 when the server can serve, 503 otherwise; which part is unwell is for the log, not for strangers. */
export const getHealth = route({
	id: 'getHealth',
	method: 'GET',
	path: '/health',
	auth: 'none',
	work: 'none',
	async handle(_request, {health}) {
		const {status, canServe} = await health();
		return json({status}, {status: canServe ? 200 : 503});
	},
});
