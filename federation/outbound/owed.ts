import {
	domainOf,
	isUserId,
	type JsonObject,
	JsonSyntaxError,
	type RoomId,
	readStrictJson,
	type ServerName,
	type UserId,
} from '../../crypto/index.ts';
import type {CommittedChange, EventNid, OutgoingEduRow, Position, ServerSpan, Storage} from '../../storage/index.ts';
import {createEdu, type Edu, listDeviceEdus, listReceiptEdus} from './edus.ts';
import {asObject} from './key-document.ts';
import {endedServerOf, type RecentChanges} from './recent-changes.ts';

/** What a transaction holds at most. @see https://spec.matrix.org/v1.19/server-server-api/#transactions */
export const PDUS_MAX = 50;
export const EDUS_MAX = 100;
/** EDUs that are counted while reading; each other kind of EDU has its own bound, and all fit into {@link EDUS_MAX}. */
const COUNTED_EDUS_MAX = 70;
/** Changes read at a time. */
const PAGE_CHANGES = 1000;
/** Waiting EDUs read at a time; far more than a transaction holds. */
const WAITING_MAX = 1000;

/** What reading needs. */
export interface OwedContext {
	readonly storage: Pick<Storage, 'events' | 'federation' | 'keys' | 'memberships' | 'receipts'>;
	readonly serverName: ServerName;
	readonly recent: RecentChanges;
}

/** What a destination is owed in `(after, to]`, or a first part of it. */
export interface Owed {
	readonly pdus: readonly JsonObject[];
	readonly edus: readonly Edu[];
	/** When the newest of the events came to us, in milliseconds; `undefined` where there are none. */
	readonly newestTs: number | undefined;
	/** Whether some of the EDUs wait in the database and are to be removed when they have arrived. */
	readonly hasWaiting: boolean;
	/** Up to here it is all that is owed. */
	readonly to: Position;
}

interface Collected {
	readonly events: EventNid[];
	readonly receiptRooms: Set<RoomId>;
	/** Users whose devices changed, with the last position of a change. */
	readonly users: Map<UserId, Position>;
	edus: number;
	to: Position;
}

/** Bounds of one reading. */
export interface OwedLimits {
	/** `null`: events are passed over. */
	readonly pdusMax: number | null;
	readonly edusMax: number;
}

/** Reads what a destination is owed after a position, in order, up to what one transaction holds. */
export async function readOwed(
	context: OwedContext,
	destination: ServerName,
	range: {readonly after: Position; readonly upto: Position},
	{pdusMax, edusMax}: OwedLimits = {pdusMax: PDUS_MAX, edusMax: COUNTED_EDUS_MAX},
): Promise<Owed> {
	const isOwed = await readSpans(context, destination, range.after);
	const collected: Collected = {events: [], receiptRooms: new Set(), users: new Map(), edus: 0, to: range.after};
	const limits = {pdusMax, edusMax: Math.min(edusMax, COUNTED_EDUS_MAX)};
	while (collected.to < range.upto) {
		const page = await context.recent.list(collected.to, range.upto, PAGE_CHANGES);
		const full = page.changes.find((change) => !collect(collected, change, {destination, isOwed, limits, context}));
		collected.to = full === undefined ? page.upto : full.pos - 1;
		if (full !== undefined) break;
	}
	const waiting = await listWaiting(context, destination, range.after, collected);
	// Several EDUs may wait at one position: then less of the stream fits than it seemed.
	const fitting = findFitting(waiting, limits.edusMax);
	if (fitting !== undefined) return readOwed(context, destination, {after: range.after, upto: fitting}, limits);
	// A kick is about the destination's user and not by one: only the event itself says whose it is.
	const read = await readPdus(context, collected.events);
	const pdus = read.pdus.filter((pdu) => !isSentBy(pdu, destination));
	const edus = await readEdus(context, destination, range.after, {collected, waiting, pdus});
	const newestTs = pdus.length === 0 ? undefined : read.newestTs;
	return {pdus, edus, newestTs, hasWaiting: waiting.length > 0, to: collected.to};
}

async function listWaiting(
	{storage}: OwedContext,
	destination: ServerName,
	after: Position,
	{edus, to}: Collected,
): Promise<OutgoingEduRow[]> {
	if (edus === 0) return [];
	return storage.federation.listOutgoingEdus(destination, {after, upto: to, limit: WAITING_MAX});
}

/** Finds up to which position waiting EDUs fit; `undefined` where all do, or where all are of one position. */
function findFitting(waiting: readonly OutgoingEduRow[], edusMax: number): Position | undefined {
	const beyond = waiting[edusMax];
	if (beyond === undefined) return undefined;
	return waiting.findLast(({pos}) => pos < beyond.pos)?.pos;
}

/** The newest event of each room that a destination is owed, newest room first, and how many events that leaves out. */
export interface Newest {
	readonly events: readonly EventNid[];
	readonly owedCount: number;
}

/** Finds the newest events that a destination is owed in a range: what it is told first when it was away for long. */
export async function findNewest(
	context: OwedContext,
	destination: ServerName,
	range: {readonly after: Position; readonly upto: Position},
): Promise<Newest> {
	const isOwed = await readSpans(context, destination, range.after);
	const newest = new Map<RoomId, EventNid>();
	let owedCount = 0;
	for (let after = range.after; after < range.upto; ) {
		const page = await context.recent.list(after, range.upto, PAGE_CHANGES);
		for (const change of page.changes) {
			const {kind, roomId, ref} = change;
			if (kind !== 'event' || roomId === undefined || ref === undefined || !isOwed(change)) continue;
			owedCount++;
			// Deleted first, so that the map's order is that of the rooms' last events.
			newest.delete(roomId);
			newest.set(roomId, ref);
		}
		after = page.upto;
	}
	return {events: [...newest.values()].toReversed(), owedCount};
}

/** Reads events as PDUs, in their order; one that is gone or damaged is left out. */
export async function readPdus(
	{storage}: Pick<OwedContext, 'storage'>,
	nids: readonly EventNid[],
): Promise<{readonly pdus: readonly JsonObject[]; readonly newestTs: number | undefined}> {
	if (nids.length === 0) return {pdus: [], newestTs: undefined};
	const rows = await storage.events.findByNids(nids);
	let newestTs: number | undefined;
	for (const {receivedTs} of rows.values()) newestTs = Math.max(receivedTs, newestTs ?? 0);
	return {pdus: nids.map((nid) => readPdu(rows.get(nid)?.json)).filter((pdu) => pdu !== undefined), newestTs};
}

function readPdu(json: string | undefined): JsonObject | undefined {
	if (json === undefined) return undefined;
	try {
		return asObject(readStrictJson(json));
	} catch (error) {
		if (error instanceof JsonSyntaxError) return undefined;
		throw error;
	}
}

type IsOwed = (change: CommittedChange) => boolean;

/** Gives the test whether a change in a room is one that the destination was in the room for, or waited for outside. */
async function readSpans({storage}: OwedContext, destination: ServerName, after: Position): Promise<IsOwed> {
	const spans = new Map<RoomId, ServerSpan[]>();
	for (const span of await storage.memberships.listServerSpans(destination, after)) {
		const known = spans.get(span.roomId);
		if (known === undefined) spans.set(span.roomId, [span]);
		else known.push(span);
	}
	return (change) => {
		const {roomId, pos} = change;
		if (endedServerOf(change) === destination) return true;
		const inRoom = roomId === undefined ? [] : (spans.get(roomId) ?? []);
		return inRoom.some(({fromPos, toPos}) => fromPos <= pos && (toPos === null || pos <= toPos));
	};
}

/** Notes what a change means for the destination; false where the transaction is full before it. */
function collect(
	collected: Collected,
	change: CommittedChange,
	{
		destination,
		isOwed,
		limits,
		context,
	}: {destination: ServerName; isOwed: IsOwed; limits: OwedLimits; context: OwedContext},
): boolean {
	const {kind, roomId, subject, ref, pos} = change;
	if (kind === 'event') {
		if (limits.pdusMax === null || ref === undefined || !isOwed(change)) return true;
		if (collected.events.length >= limits.pdusMax) return false;
		collected.events.push(ref);
	} else if (kind === 'receipt') {
		const isOurs = roomId !== undefined && isFrom(change, context.serverName) && isOwed(change);
		if (isOurs) collected.receiptRooms.add(roomId);
	} else if (kind === 'device_list') {
		if (!isUserId(subject) || !isFrom(change, context.serverName)) return true;
		if (!collected.users.has(subject)) {
			if (collected.edus + 2 > limits.edusMax && collected.edus > 0) return false;
			collected.edus += 2;
		}
		collected.users.set(subject, pos);
	} else if (kind === 'edu' && subject === destination) {
		if (collected.edus >= limits.edusMax) return false;
		collected.edus++;
	}
	return true;
}

/** Whether an event is of a user of this server, which therefore has it. */
function isSentBy({sender}: JsonObject, server: ServerName): boolean {
	return isUserId(sender) && domainOf(sender) === server;
}

/** Whether a change is about a user of this server. */
function isFrom({subject}: CommittedChange, server: ServerName): boolean {
	return isUserId(subject) && domainOf(subject) === server;
}

async function readEdus(
	context: OwedContext,
	destination: ServerName,
	after: Position,
	{
		collected: {to, receiptRooms, users},
		waiting,
		pdus,
	}: {collected: Collected; waiting: readonly OutgoingEduRow[]; pdus: readonly JsonObject[]},
): Promise<Edu[]> {
	const {storage, serverName} = context;
	const edus = waiting.map(({type, content}) => createEdu(type, content));
	for (const [userId, pos] of [...users, ...listJoiners(pdus, serverName, to)]) {
		const servers = await storage.memberships.listPeerServers(userId);
		if (servers.includes(destination)) edus.push(...(await listDeviceEdus(storage, userId, pos)));
	}
	edus.push(...(await listReceiptEdus(storage, serverName, receiptRooms, after, to)));
	// More than fit can only be EDUs that were all announced at one position, which nobody should do.
	return edus.slice(0, EDUS_MAX);
}

/**
 * Lists our users who joined a room by these events: a server that they meet there for the first time must learn that
 * their device lists are to be followed. A change of name looks the same, and costs the server one question too many.
 */
function listJoiners(pdus: readonly JsonObject[], serverName: ServerName, pos: Position): [UserId, Position][] {
	const joiners = new Map<UserId, Position>();
	for (const {type, state_key: userId, content} of pdus) {
		if (type !== 'm.room.member' || asObject(content)?.['membership'] !== 'join' || !isUserId(userId)) continue;
		if (domainOf(userId) === serverName && joiners.size < 5) joiners.set(userId, pos);
	}
	return [...joiners];
}
