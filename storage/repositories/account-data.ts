import {createHash} from 'node:crypto';
import {and, isNull} from 'drizzle-orm';
import type {JsonObject, RoomId, UserId} from '../../crypto/index.ts';
import {above, atMost, build, differs, equals} from '../catalog.ts';
import type {Core} from '../core.ts';
import type {
	AccountDataRepository,
	AccountDataRow,
	FiltersRepository,
	PusherRow,
	PushersRepository,
} from '../interfaces/accounts.ts';
import {tables} from '../schema/index.ts';
import {pageOf} from './page.ts';
import {sweepOlder} from './sweep.ts';

const {accountData, filters, pushers} = tables;

type Stored = Omit<AccountDataRow, 'roomId'> & {readonly roomId: RoomId | ''};

const rowOf = (row: Stored): AccountDataRow => ({...row, roomId: row.roomId === '' ? null : row.roomId});

/** Makes the repository of account data. */
export function createAccountData(core: Core): AccountDataRepository {
	const set = core.put(core.catalog.upsert(accountData, ['userId', 'roomId', 'type']));
	const find = core.one<{userId: UserId; roomId: string; type: string}, Stored>((p) =>
		build
			.select()
			.from(accountData)
			.where(
				and(
					equals(accountData.userId, p.userId),
					equals(accountData.roomId, p.roomId),
					equals(accountData.type, p.type),
				),
			),
	);
	const listChanged = core.many<{userId: UserId; after: number; upto: number}, Stored>((p) =>
		build
			.select()
			.from(accountData)
			.where(
				and(equals(accountData.userId, p.userId), above(accountData.pos, p.after), atMost(accountData.pos, p.upto)),
			)
			.orderBy(accountData.pos),
	);
	return {
		set: (batch, {userId, roomId, type, content, pos}) =>
			set(batch, {userId, roomId: roomId ?? '', type, content, pos}),
		async find(userId, roomId, type) {
			const row = await find({userId, roomId: roomId ?? '', type});
			return row === undefined || row.content === null ? undefined : rowOf(row);
		},
		listChanged: async (userId, after, upto) => (await listChanged({userId, after, upto})).map(rowOf),
		sweepDeleted: sweepOlder(core, accountData, accountData.pos, isNull(accountData.content)),
	};
}

/** Makes the repository of filters. */
export function createFilters(core: Core): FiltersRepository {
	const add = core.put(core.catalog.insert(filters, {orIgnore: true}));
	const find = core.one<{userId: UserId; filterId: string}, {filter: JsonObject}>((p) =>
		build
			.select({filter: filters.filter})
			.from(filters)
			.where(and(equals(filters.userId, p.userId), equals(filters.filterId, p.filterId))),
	);
	type Page = {userId: UserId; after: string; limit: number};
	const listOfUser = core.many<Page, {filterId: string; filter: JsonObject}>((p) =>
		build
			.select({filterId: filters.filterId, filter: filters.filter})
			.from(filters)
			.where(and(equals(filters.userId, p.userId), above(filters.filterId, p.after)))
			.orderBy(filters.filterId)
			.limit(p.limit.placeholder),
	);
	return {
		async add(batch, userId, filter) {
			// The id is made of the content, so that of two who add the same filter both are right.
			const filterId = createHash('sha256').update(JSON.stringify(filter)).digest('hex').slice(0, 32);
			add(batch, {userId, filterId, filter});
			return filterId;
		},
		find: async (userId, filterId) => (await find({userId, filterId}))?.filter,
		listOfUser: (userId, {after, limit}) => listOfUser({userId, after: after ?? '', limit: pageOf(limit)}),
	};
}

/** Makes the repository of pushers. */
export function createPushers(core: Core): PushersRepository {
	const {catalog} = core;
	const set = core.put(catalog.upsert(pushers, ['userId', 'appId', 'pushkey']));
	const remove = core.put(catalog.delete(pushers, ['userId', 'appId', 'pushkey']));
	const removeOfOthers = core.put(
		catalog.write<{userId: UserId; appId: string; pushkey: string}>((p) =>
			build
				.delete(pushers)
				.where(
					and(equals(pushers.appId, p.appId), equals(pushers.pushkey, p.pushkey), differs(pushers.userId, p.userId)),
				),
		),
	);
	const listOfUser = core.many<{userId: UserId}, PusherRow>((p) =>
		build.select().from(pushers).where(equals(pushers.userId, p.userId)).orderBy(pushers.appId, pushers.pushkey),
	);
	const listOfKey = core.many<{appId: string; pushkey: string}, PusherRow>((p) =>
		build
			.select()
			.from(pushers)
			.where(and(equals(pushers.appId, p.appId), equals(pushers.pushkey, p.pushkey)))
			.orderBy(pushers.userId)
			.limit(1000),
	);
	const list = core.many<object, PusherRow>(() => build.select().from(pushers).orderBy(pushers.userId));
	return {
		set,
		remove: (batch, userId, appId, pushkey) => remove(batch, {userId, appId, pushkey}),
		removeOfOthers: (batch, userId, appId, pushkey) => removeOfOthers(batch, {userId, appId, pushkey}),
		listOfUser: (userId) => listOfUser({userId}),
		listOfKey: (appId, pushkey) => listOfKey({appId, pushkey}),
		list: () => list({}),
	};
}
