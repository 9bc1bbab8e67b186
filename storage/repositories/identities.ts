import {sql} from 'drizzle-orm';
import type {UserId} from '../../crypto/index.ts';
import {bind, build, equals} from '../catalog.ts';
import type {Core} from '../core.ts';
import type {
	IdentitiesRepository,
	IdentityRow,
	UpstreamArrivalRow,
	UpstreamDeviceRow,
	UpstreamFlowRow,
} from '../interfaces/identities.ts';
import {tables} from '../schema/index.ts';
import {sweepAll, sweepOlder} from './sweep.ts';

const {identities, upstreamArrivals: arrivals, upstreamDevices, upstreamFlows: flows, upstreamLogouts} = tables;

/** More than anybody has. */
const LISTED_MAX = 1000;

function createFlows(core: Core) {
	const {catalog} = core;
	return {
		addFlow: core.put(catalog.insert(flows)),
		take: core.put(
			catalog.write<{flowId: string; nowMs: number}>(
				(p) => sql`delete from ${flows} where ${equals(flows.flowId, p.flowId)}
					and expires_ts > ${bind(flows.expiresTs, p.nowMs)}`,
			),
			{expect: {changes: 1, condition: 'upstream_flow'}},
		),
		findFlow: core.one<{flowId: string}, UpstreamFlowRow>((p) =>
			build.select().from(flows).where(equals(flows.flowId, p.flowId)),
		),
		setArrival: core.put(catalog.upsert(arrivals, ['webSessionHash'])),
		removeArrival: core.put(catalog.delete(arrivals, ['webSessionHash'])),
		findArrival: core.one<{webSessionHash: string}, UpstreamArrivalRow>((p) =>
			build.select().from(arrivals).where(equals(arrivals.webSessionHash, p.webSessionHash)),
		),
	};
}

/** Makes the repository of whom other services vouch for. */
export function createIdentities(core: Core): IdentitiesRepository {
	const {catalog} = core;
	const remove = core.put(catalog.delete(identities, ['userId', 'providerId']));
	const find = core.one<{providerId: string; subject: string}, IdentityRow>((p) =>
		build
			.select()
			.from(identities)
			.where(sql`${equals(identities.providerId, p.providerId)} and ${equals(identities.subject, p.subject)}`),
	);
	const listOfUser = core.many<{userId: UserId}, IdentityRow>((p) =>
		build
			.select()
			.from(identities)
			.where(equals(identities.userId, p.userId))
			.orderBy(identities.providerId, identities.subject)
			.limit(LISTED_MAX),
	);
	const listDevices = core.many<{userId: UserId}, UpstreamDeviceRow>((p) =>
		build.select().from(upstreamDevices).where(equals(upstreamDevices.userId, p.userId)).limit(LISTED_MAX),
	);
	const {addFlow, take, findFlow, setArrival, removeArrival, findArrival} = createFlows(core);
	const sweep = sweepAll([
		sweepOlder(core, flows, flows.expiresTs),
		sweepOlder(core, arrivals, arrivals.expiresTs),
		sweepOlder(core, upstreamLogouts, upstreamLogouts.expiresTs),
	]);
	return {
		add: core.put(catalog.insert(identities)),
		remove: (batch, userId, providerId) => remove(batch, {userId, providerId}),
		find: (providerId, subject) => find({providerId, subject}),
		listOfUser: (userId) => listOfUser({userId}),
		addFlow,
		takeFlow: (batch, flowId, nowMs) => take(batch, {flowId, nowMs}),
		findFlow: (flowId) => findFlow({flowId}),
		setArrival,
		removeArrival: (batch, webSessionHash) => removeArrival(batch, {webSessionHash}),
		findArrival: (webSessionHash) => findArrival({webSessionHash}),
		setDevice: core.put(catalog.upsert(upstreamDevices, ['userId', 'deviceId'])),
		listDevices: (userId) => listDevices({userId}),
		addLogout: core.put(catalog.insert(upstreamLogouts)),
		sweep: (batch, beforeTs) => void sweep(batch, beforeTs),
	};
}
