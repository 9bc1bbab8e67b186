import {and, desc} from 'drizzle-orm';
import type {RoomId, UserId} from '../../crypto/index.ts';
import {above, atMost, build, equals} from '../catalog.ts';
import type {Core} from '../core.ts';
import type {ReceiptRow, ReceiptsRepository} from '../interfaces/receipts.ts';
import {tables} from '../schema/index.ts';

const {receipts} = tables;

/** Receipts of a room that one read gives at most. */
const changedMax = 5000;

type Stored = Omit<ReceiptRow, 'threadId'> & {readonly threadId: string};

const rowOf = (row: Stored): ReceiptRow => ({...row, threadId: row.threadId === '' ? null : row.threadId});

/** Makes the repository of receipts. */
export function createReceipts(core: Core): ReceiptsRepository {
	const set = core.put(core.catalog.upsert(receipts, ['roomId', 'userId', 'type', 'threadId']));
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
