import {and, sql} from 'drizzle-orm';
import type {DeviceId, JsonObject, UserId} from '../../crypto/index.ts';
import {JsonText} from '../batch.ts';
import {above, atMost, bind, build, equals, type Values} from '../catalog.ts';
import type {Core} from '../core.ts';
import type {ToDeviceMessage, ToDeviceRepository} from '../interfaces/encryption.ts';
import {tables} from '../schema/index.ts';
import {encodeText} from '../text.ts';
import {firstId, listOf} from './list.ts';
import {pageOf} from './page.ts';
import {sweepOlder} from './sweep.ts';

const {toDevice, toDeviceReceived} = tables;

type Range = {userId: UserId; deviceId: DeviceId; after: number; upto: number; limit: number};

/** Ids that the messages of one position may take. */
const messagesOfPosition = 256;

/**
 * Adds the messages row by row, which SQLite does in half the time that it takes to read them out of a list. PostgreSQL,
 * where others wait meanwhile for the head of the stream, is given one statement.
 */
function createAdd(core: Core): ToDeviceRepository['add'] {
	const add = core.dialect.name === 'sqlite' ? createAddEach(core) : createAddList(core);
	return (batch, messages) => {
		if (messages.messages.length > messagesOfPosition) throw new Error('too many messages at one position');
		add(batch, messages);
	};
}

function createAddEach(core: Core): ToDeviceRepository['add'] {
	type Params = {pos: number; sender: UserId; type: string};
	type Row = {index: number; userId: UserId; deviceId: DeviceId; content: JsonObject};
	const add = core.putEach<Params, Row>(
		core.catalog.write<Params & Row>(
			(p) => sql`insert into ${toDevice} (pos, sender, type, id, user_id, device_id, content)
				values (${bind(toDevice.pos, p.pos)}, ${bind(toDevice.sender, p.sender)}, ${bind(toDevice.type, p.type)},
				${bind(toDevice.pos, p.pos)} * ${sql.raw(String(messagesOfPosition))} + ${firstId} + ${bind(toDevice.id, p.index)},
				${bind(toDevice.userId, p.userId)}, ${bind(toDevice.deviceId, p.deviceId)}, ${bind(toDevice.content, p.content)})`,
		),
		['index', 'userId', 'deviceId', 'content'],
	);
	return (batch, {pos, sender, type, messages}) => {
		add(
			batch,
			{pos, sender, type},
			messages.map((message, index) => ({...message, index})),
		);
	};
}

function createAddList(core: Core): ToDeviceRepository['add'] {
	const {catalog, dialect} = core;
	type Params = {pos: number; sender: UserId; type: string; rows: readonly unknown[]};
	const pos = (p: Values<Params>) => sql`cast(${bind(toDevice.pos, p.pos)} as bigint)`;
	const add = core.put(
		catalog.write<Params>(
			(p) => sql`insert into ${toDevice} (id, user_id, device_id, pos, sender, type, content)
				select ${pos(p)} * ${sql.raw(String(messagesOfPosition))} + cast(value ->> 0 as bigint) + ${firstId}, value ->> 1,
				value ->> 2, ${pos(p)}, ${bind(toDevice.sender, p.sender)}, ${bind(toDevice.type, p.type)}, cast(value -> 3 as text)
				from ${dialect.membersOf(bind(toDevice.content, p.rows))}`,
		),
	);
	return (batch, {pos: at, sender, type, messages}) => {
		const rows = messages.map(({userId, deviceId, content}, index) => [
			index,
			JSON.stringify(encodeText(userId)),
			JSON.stringify(encodeText(deviceId)),
			content instanceof JsonText ? content.text : JSON.stringify(content),
		]);
		add(batch, {pos: at, sender, type, rows: listOf(rows)});
	};
}

/** Makes the repository of messages to devices. */
export function createToDevice(core: Core): ToDeviceRepository {
	const {catalog} = core;
	const add = createAdd(core);
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
		add,
		addReceived: (batch, origin, messageId, receivedTs) => addReceived(batch, {origin, messageId, receivedTs}),
		list: (userId, deviceId, {after, upto, limit}) => list({userId, deviceId, after, upto, limit: pageOf(limit)}),
		removeUpTo: (batch, userId, deviceId, pos) => removeUpTo(batch, {userId, deviceId, pos}),
		sweepReceived: sweepOlder(core, toDeviceReceived, toDeviceReceived.receivedTs),
	};
}
