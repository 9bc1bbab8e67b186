import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

/** Counts are kept for so many days. */
const DAYS_MAX = 30;
const ASKERS_DEFAULT = 100;
const ASKERS_MAX = 1000;

/**
 * Shows administrators who asks about people whom they may not know: accounts of this server and other servers, those who
 * were refused and asked most first, for one day (UTC). Of whom they asked is not kept, and neither is who asks without
 * an account.
 */
export const listProbes = route({
	id: 'listProbes',
	method: 'GET',
	path: '/_broadsheet/admin/v1/probes',
	auth: 'admin',
	query: v.object({
		days_ago: v.optional(v.integer({min: 0, max: DAYS_MAX})),
		limit: v.optional(v.integer({min: 1, max: ASKERS_MAX})),
	}),
	async handle({query: {days_ago: daysAgo = 0, limit = ASKERS_DEFAULT}}, {facts}) {
		const {date, askers} = await facts.listAskers({daysAgo, limit});
		return {
			date,
			askers: askers.map(({kind, name, learnt, refused, probes}) => ({kind, name, learnt, refused, probes})),
		};
	},
});
