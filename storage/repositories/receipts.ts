import {and, desc, sql} from 'drizzle-orm';
import type {RoomId, UserId} from '../../crypto/index.ts';
import {above, atMost, build, equals} from '../catalog.ts';
import type {Core} from '../core.ts';
import type {ReceiptRow, ReceiptsRepository} from '../interfaces/receipts.ts';
import {tables} from '../schema/index.ts';

const {events, receipts} = tables;

/** Receipts of a room that one read gives at most. */
const changedMax = 5000;

type Stored = Omit<ReceiptRow, 'threadId'> & {readonly threadId: string};

const rowOf = (row: Stored): ReceiptRow => ({...row, threadId: row.threadId === '' ? null : row.threadId});

/** Makes the repository of receipts. */
export function createReceipts(core: Core): ReceiptsRepository {
	const isBehind = sql`exists (select 1 from ${events} as before, ${events} as after
		where before.event_id = ${receipts.eventId} and after.event_id = excluded.event_id
		and (after.anchor, after.minor) <= (before.anchor, before.minor))`;
	const key = ['roomId', 'userId', 'type', 'threadId'] as const;
	const set = core.put(core.catalog.upsert(receipts, key, {unless: isBehind}));
	const listChanged = core.many<{roomId: RoomId; after: number; upto: number}, Stored>((p) =>
		build
			.select()
			.from(receipts)
			.where(and(equals(receipts.roomId, p.roomId), above(receipts.pos, p.after), atMost(receipts.pos, p.upto)))
			.orderBy(desc(receipts.pos))
			.limit(changedMax),
	);
	const listOfUser = core.many<{roomId: RoomId; userId: UserId}, Stored>((p) =>
		build
			.select()
			.from(receipts)
			.where(and(equals(receipts.roomId, p.roomId), equals(receipts.userId, p.userId))),
	);
	return {
		set: (batch, {threadId, ...receipt}) => set(batch, {...receipt, threadId: threadId ?? ''}),
		listChanged: async (roomId, after, upto) => (await listChanged({roomId, after, upto})).map(rowOf),
		listOfUser: async (roomId, userId) => (await listOfUser({roomId, userId})).map(rowOf),
	};
}
