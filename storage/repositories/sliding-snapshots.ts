import {and, sql} from 'drizzle-orm';
import type {DeviceId, UserId} from '../../crypto/index.ts';
import {bind, build, equals} from '../catalog.ts';
import type {Core} from '../core.ts';
import type {SlidingSnapshotsRepository} from '../interfaces/transport.ts';
import {tables} from '../schema/index.ts';

const {slidingSnapshots: snapshots} = tables;

/** Of one connection: the one that the client's token names, and those of answers that it may not have received. */
const ofConnectionMax = 3;
/** Of one device: clients keep two or three connections, and each may have its share. */
const ofDeviceMax = 16;

/** Makes the repository of snapshots of connections. */
export function createSlidingSnapshots(core: Core): SlidingSnapshotsRepository {
	const {catalog} = core;
	type Owner = {userId: UserId; deviceId: DeviceId; connId: string};
	const add = core.put(catalog.insert(snapshots));
	const trim = (ofConnection: boolean, countMax: number) =>
		core.put(
			catalog.write<Owner>((p) => {
				const owner = sql`${equals(snapshots.userId, p.userId)} and ${equals(snapshots.deviceId, p.deviceId)}`;
				const those = ofConnection ? sql`${owner} and conn_id = ${bind(snapshots.connId, p.connId)}` : owner;
				return sql`delete from ${snapshots} where ${those} and id not in (select id from ${snapshots} where ${those}
					order by created_ts desc, id desc limit ${sql.raw(String(countMax))})`;
			}),
		);
	const trimConnection = trim(true, ofConnectionMax);
	const trimDevice = trim(false, ofDeviceMax);
	type Key = Owner & {id: number};
	const find = core.one<Key, {body: Uint8Array}>((p) =>
		build
			.select({body: snapshots.body})
			.from(snapshots)
			.where(
				and(
					equals(snapshots.id, p.id),
					equals(snapshots.userId, p.userId),
					equals(snapshots.deviceId, p.deviceId),
					equals(snapshots.connId, p.connId),
				),
			),
	);
	return {
		add(batch, snapshot) {
			const {userId, deviceId, connId} = snapshot;
			add(batch, snapshot);
			trimConnection(batch, {userId, deviceId, connId});
			trimDevice(batch, {userId, deviceId, connId});
		},
		find: async ({id, userId, deviceId, connId}) => (await find({id, userId, deviceId, connId}))?.body,
	};
}
