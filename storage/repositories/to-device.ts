import {type GetColumnData, type SQL, sql} from 'drizzle-orm';
import type {AnySQLiteColumn} from 'drizzle-orm/sqlite-core';
import type {DeviceId, JsonObject, UserId} from '../../crypto/index.ts';
import {JsonText, Outcome} from '../batch.ts';
import {bind, build, type Value, type Values} from '../catalog.ts';
import type {Core, Write} from '../core.ts';
import type {ToDeviceMessage, ToDeviceRepository} from '../interfaces/encryption.ts';
import {tables} from '../schema/index.ts';
import {encodeText} from '../text.ts';
import {firstId, listOf} from './list.ts';
import {pageOf} from './page.ts';
import {sweepOlder} from './sweep.ts';

const {toDevice, toDeviceReceived} = tables;

type DeviceKey = {userId: UserId; deviceId: DeviceId};
type Range = DeviceKey & {after: number; upto: number};

/** Ids that the messages of one position may take. */
const messagesOfPosition = 256;
/**
 * Positions whose messages stay fresh: a read looks into the bundle of each that is past what the device has, which takes
 * some 1.5 µs.
 */
const freshMax = sql.raw('1000');
/** Bundles that are filed in one statement: of a hundred messages each, which takes the writer some 20 ms. */
const filedAtOnce = sql.raw('10');
const lastPosition = sql.raw(String(Number.MAX_SAFE_INTEGER));

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
			(p) => sql`insert into ${toDevice} (pos, bundle, sender, type, id, user_id, device_id, content)
				values (${bind(toDevice.pos, p.pos)}, ${bind(toDevice.bundle, p.pos)}, ${bind(toDevice.sender, p.sender)}, ${bind(toDevice.type, p.type)},
				${bind(toDevice.pos, p.pos)} * ${sql.raw(String(messagesOfPosition))} + ${firstId} + ${bind(toDevice.id, p.index)},
				${bind(toDevice.userId, p.userId)}, ${bind(toDevice.deviceId, p.deviceId)}, ${bind(toDevice.content, p.content)})`,
		),
		['index', 'userId', 'deviceId', 'content'],
	);
	return (batch, {pos, sender, type, messages}) => {
		add(
			batch,
			{pos, sender, type},
			messages.map(({userId, deviceId, content}, index) => ({index, userId, deviceId, content})),
		);
	};
}

function createAddList(core: Core): ToDeviceRepository['add'] {
	const {catalog, dialect} = core;
	type Params = {pos: number; sender: UserId; type: string; rows: readonly unknown[]};
	const pos = (p: Values<Params>) => sql`cast(${bind(toDevice.pos, p.pos)} as bigint)`;
	const add = core.put(
		catalog.write<Params>(
			(p) => sql`insert into ${toDevice} (id, bundle, user_id, device_id, pos, sender, type, content)
				select ${pos(p)} * ${sql.raw(String(messagesOfPosition))} + cast(value ->> 0 as bigint) + ${firstId}, ${pos(p)},
				value ->> 1, value ->> 2, ${pos(p)}, ${bind(toDevice.sender, p.sender)}, ${bind(toDevice.type, p.type)}, cast(value -> 3 as text)
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

/** The bundles of fresh messages past a position, each found from the one before by the index. */
const freshBundles = (after: SQL, upto: SQL) => sql`with recursive fresh (bundle) as (
	select min(bundle) from ${toDevice} where bundle > ${after}
	union all select (select min(later.bundle) from ${toDevice} as later where later.bundle > fresh.bundle)
		from fresh where fresh.bundle < ${upto})`;

/** Adds a removal of the messages that a condition holds for: of those in `(after, upto]`, whatever bundle they are in. */
function addRemoval<P>(
	core: Core,
	condition: (p: Values<P>) => SQL,
	{after, upto}: {readonly after: (p: Values<P>) => SQL; readonly upto: (p: Values<P>) => SQL},
): Write<P> {
	// By their ids, which stay while a message is being filed.
	return core.put(
		core.catalog.write<P>(
			(p) => sql`delete from ${toDevice} where id in (${freshBundles(after(p), upto(p))}
				select id from ${toDevice} where bundle = 0 and ${condition(p)} and pos > ${after(p)} and pos <= ${upto(p)}
				union all select waiting.id from fresh cross join ${toDevice} as waiting
					where waiting.bundle = fresh.bundle and ${condition(p)} and pos <= ${upto(p)})`,
		),
	);
}

const ofUser = (p: {readonly userId: Value<UserId>}) => sql`user_id = ${bind(toDevice.userId, p.userId)}`;
const ofDevice = (p: Values<DeviceKey>) => sql`${ofUser(p)} and device_id = ${bind(toDevice.deviceId, p.deviceId)}`;
const after = (p: Values<Range>) => sql`${bind(toDevice.pos, p.after)}`;
const upto = (p: Values<Range>) => sql`${bind(toDevice.pos, p.upto)}`;
const everything = {after: () => sql.raw('0'), upto: () => sql`${lastPosition}`};

/** Makes the removal of all that waits for a device. */
export const removeWaitingOfDevice = (core: Core): Write<DeviceKey> => addRemoval(core, ofDevice, everything);

/** Makes the removal of all that waits for a user. */
export const removeWaitingOfUser = (core: Core): Write<{userId: UserId}> => addRemoval(core, ofUser, everything);

/** A column of the table as a field of a subquery. */
const toldAs = <C extends AnySQLiteColumn>(column: C) =>
	sql<GetColumnData<C>>`${sql.identifier(column.name)}`.mapWith(column);

function createList(core: Core) {
	type Page = Range & {limit: number};
	// Filed messages are older than all fresh ones.
	const told = (p: Values<Page>) => {
		const page = sql`order by pos, id limit ${p.limit.placeholder}`;
		return sql`(${freshBundles(after(p), upto(p))}
			select * from (select * from ${toDevice}
				where bundle = 0 and ${ofDevice(p)} and pos > ${after(p)} and pos <= ${upto(p)} ${page}) as filed
			union all select * from (select waiting.* from fresh cross join ${toDevice} as waiting
				where waiting.bundle = fresh.bundle and ${ofDevice(p)} and pos <= ${upto(p)} ${page}) as fresh_ones) as told`;
	};
	const {userId, deviceId, pos, sender, type, content} = toDevice;
	return core.many<Page, ToDeviceMessage>((p) =>
		build
			.select({
				userId: toldAs(userId),
				deviceId: toldAs(deviceId),
				pos: toldAs(pos),
				sender: toldAs(sender),
				type: toldAs(type),
				content: toldAs(content),
			})
			.from(told(p))
			.orderBy(sql`pos`, sql`id`)
			.limit(p.limit.placeholder),
	);
}

/** Files the oldest fresh messages where there are too many. */
function createFile(core: Core): ToDeviceRepository['file'] {
	const file = core.putReturning<object, {pos: number}>(
		core.catalog.write<object>(
			() => sql`with recursive newest (bundle, place) as (select max(bundle), 1 from ${toDevice}
					union all select (select max(earlier.bundle) from ${toDevice} as earlier
						where earlier.bundle < newest.bundle), place + 1
					from newest where newest.bundle > 0 and place <= ${freshMax})
				update ${toDevice} set bundle = 0 where bundle in (select distinct bundle from ${toDevice}
					where bundle > 0 and bundle <= (select coalesce(max(bundle), 0) from newest where place > ${freshMax})
					order by bundle limit ${filedAtOnce})
				returning pos`,
			{pos: toDevice.pos},
		),
	);
	return (batch) => {
		const filed = file(batch, {});
		return new Outcome(() => filed.value.length);
	};
}

/** Makes the repository of messages to devices. */
export function createToDevice(core: Core): ToDeviceRepository {
	const add = createAdd(core);
	const addReceived = core.put(core.catalog.insert(toDeviceReceived));
	const list = createList(core);
	const remove = addRemoval<Range>(core, ofDevice, {after, upto});
	return {
		add,
		addReceived: (batch, origin, messageId, receivedTs) => addReceived(batch, {origin, messageId, receivedTs}),
		list: (userId, deviceId, page) => list({userId, deviceId, ...page, limit: pageOf(page.limit)}),
		remove: (batch, userId, deviceId, range) => remove(batch, {userId, deviceId, ...range}),
		file: createFile(core),
		sweepReceived: sweepOlder(core, toDeviceReceived, toDeviceReceived.receivedTs),
	};
}
