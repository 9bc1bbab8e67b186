import type {RoomId} from '../../../crypto/index.ts';
import type {Position} from '../../../storage/index.ts';
import type {ByteReader, ByteWriter} from './bytes.ts';

/** What a client was told of a room over a connection. */
export interface Told {
	/** It has everything of the room up to here, as far as it has asked for it. */
	readonly sent: Position;
	/** It has so many of the newest events without a gap, as far as there are so many. */
	readonly limit: number;
	/** The id of the wish whose state it has. */
	readonly wishId: string;
	readonly isDm: boolean;
	/** Whether it has the receipts, and the account data, of the room; if not, it is to be told all of them. */
	readonly hasReceipts: boolean;
	readonly hasAccountData: boolean;
}

/** Rooms that a client was told of, by the integers that the database has for them. */
export type ToldByNid = ReadonlyMap<number, Told>;

const flagCount = 3;

/** Writes what was told of rooms; `pos` is not before anything that was. */
export function writeTold(to: ByteWriter, told: ToldByNid, pos: Position): void {
	const wishIds = [...new Set([...told.values()].map(({wishId}) => wishId))];
	const places = new Map(wishIds.map((id, place) => [id, place]));
	to.number(wishIds.length);
	for (const id of wishIds) to.text(id);
	to.number(told.size);
	let before = 0;
	for (const [nid, room] of [...told].toSorted(([a], [b]) => a - b)) {
		to.number(nid - before);
		before = nid;
		to.number(pos - room.sent);
		to.number(room.limit);
		const flags = Number(room.isDm) + 2 * Number(room.hasReceipts) + 4 * Number(room.hasAccountData);
		to.number(flags + places.get(room.wishId)! * 2 ** flagCount);
	}
}

/** Reads what was told of rooms. @throws RangeError where it is something else */
export function readTold(from: ByteReader, pos: Position): Map<number, Told> {
	const wishIds = Array.from({length: countOf(from)}, () => from.text());
	const told = new Map<number, Told>();
	let nid = 0;
	for (let rest = countOf(from); rest > 0; rest -= 1) {
		nid += from.number();
		const sent = pos - from.number();
		const limit = from.number();
		const flags = from.number();
		told.set(nid, {
			sent,
			limit,
			wishId: wishIds[Math.floor(flags / 2 ** flagCount)] ?? '',
			isDm: (flags & 1) > 0,
			hasReceipts: (flags & 2) > 0,
			hasAccountData: (flags & 4) > 0,
		});
	}
	return told;
}

/** Things that a text counts at most: more than anybody is told of. */
const COUNT_MAX = 1_000_000;

function countOf(from: ByteReader): number {
	const count = from.number();
	if (count > COUNT_MAX) throw new RangeError(`expected at most ${COUNT_MAX}, got ${count}`);
	return count;
}

/** What a client was told up to some moment: kept in the database once it is too much for a position to say. */
export interface Snapshot {
	readonly id: number;
	readonly rooms: ReadonlyMap<RoomId, Told>;
}
