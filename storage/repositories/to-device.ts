import {and} from 'drizzle-orm';
import type {DeviceId, UserId} from '../../crypto/index.ts';
import {above, atMost, build, equals} from '../catalog.ts';
import {type Core, freshId} from '../core.ts';
import type {ToDeviceMessage, ToDeviceRepository} from '../interfaces/encryption.ts';
import {tables} from '../schema/index.ts';
import {pageOf} from './page.ts';
import {sweepOlder} from './sweep.ts';

const {toDevice, toDeviceReceived} = tables;

type Range = {userId: UserId; deviceId: DeviceId; after: number; upto: number; limit: number};

/** Makes the repository of messages to devices. */
export function createToDevice(core: Core): ToDeviceRepository {
	const {catalog} = core;
	const add = core.put(catalog.insert(toDevice));
	const addReceived = core.put(catalog.insert(toDeviceReceived));
	const list = core.many<Range, ToDeviceMessage>((p) =>
		build
			.select({
				userId: toDevice.userId,
				deviceId: toDevice.deviceId,
				pos: toDevice.pos,
				sender: toDevice.sender,
				type: toDevice.type,
				content: toDevice.content,
			})
			.from(toDevice)
			.where(
				and(
					equals(toDevice.userId, p.userId),
					equals(toDevice.deviceId, p.deviceId),
					above(toDevice.pos, p.after),
					atMost(toDevice.pos, p.upto),
				),
			)
			.orderBy(toDevice.pos, toDevice.id)
			.limit(p.limit.placeholder),
	);
	const removeUpTo = core.put(
		catalog.write<{userId: UserId; deviceId: DeviceId; pos: number}>((p) =>
			build
				.delete(toDevice)
				.where(
					and(equals(toDevice.userId, p.userId), equals(toDevice.deviceId, p.deviceId), atMost(toDevice.pos, p.pos)),
				),
		),
	);
	return {
		add: (batch, message) => add(batch, {...message, id: freshId}),
		addReceived: (batch, origin, messageId, receivedTs) => addReceived(batch, {origin, messageId, receivedTs}),
		list: (userId, deviceId, {after, upto, limit}) => list({userId, deviceId, after, upto, limit: pageOf(limit)}),
		removeUpTo: (batch, userId, deviceId, pos) => removeUpTo(batch, {userId, deviceId, pos}),
		sweepReceived: sweepOlder(core, toDeviceReceived, toDeviceReceived.receivedTs),
	};
}
