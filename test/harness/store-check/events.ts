import {canonicalJson, JsonSyntaxError, readStrictJson} from '../../../crypto/index.ts';
import {
	findRoomVersion,
	hasRightContentHash,
	type ParsedPdu,
	parsePdu,
	type Pdu,
	redactJson,
} from '../../../federation/rooms/index.ts';
import {decodeText, encodeText} from '../../../storage/text.ts';
import type {Faults} from './faults.ts';
import {readListed, type Row, type StoreReader} from './reader.ts';

const PAGE = 500;

interface StoredEvent extends Row {
	readonly nid: number;
	readonly event_id: string;
	readonly room_id: string | null;
	readonly version: string | null;
	readonly type: string | null;
	readonly state_key: string | null;
	readonly has_state_key: number;
	readonly sender: string | null;
	readonly depth: number;
	readonly origin_server_ts: number;
	readonly anchor: number | null;
	readonly rejected: string | null;
	readonly soft_failed: number;
	readonly outlier: number;
	readonly redacted_by: number | null;
	readonly redaction: string | null;
	readonly json: string;
}

const selectEvents = (after: number): string => `
	select e.nid, e.event_id, room.text as room_id, r.version, type.text as type, state_key.text as state_key,
		case when e.state_key is null then 0 else 1 end as has_state_key, sender.text as sender, e.depth,
		e.origin_server_ts, e.anchor, e.rejected, e.soft_failed, e.outlier, e.redacted_by, redaction.event_id as redaction,
		e.json
	from events e
	left join rooms r on r.room_id = e.room_id
	left join strings room on room.id = e.room_id
	left join strings type on type.id = e.type
	left join strings state_key on state_key.id = e.state_key
	left join strings sender on sender.id = e.sender
	left join events redaction on redaction.nid = e.redacted_by
	where e.nid > ${after} order by e.nid limit ${PAGE}`;

/**
 * Every event can be read and is the one that its id names; its columns say what its JSON says; what it refers to is
 * there, or known to be missing; no end of a room's graph has an event after it.
 */
export async function checkEvents(reader: StoreReader, faults: Faults): Promise<void> {
	const ends = await readEnds(reader, faults);
	let after = Number.MIN_SAFE_INTEGER;
	for (;;) {
		const rows = await reader.read<StoredEvent>(selectEvents(after));
		const last = rows.at(-1);
		if (last === undefined) return;
		const read = rows.flatMap((row) => {
			const pdu = checkEvent(row, faults);
			return pdu === undefined ? [] : [{row, pdu}];
		});
		await checkReferences(reader, faults, read);
		for (const {row, pdu} of read) {
			if (row.rejected !== null || row.soft_failed !== 0 || row.outlier !== 0) continue;
			const passed = pdu.prevEvents.filter((eventId) => ends.has(eventId));
			faults.expect(passed.length === 0, `event ${row.nid}: comes after an extremity of its room`);
		}
		after = last.nid;
	}
}

/** The extremities of all rooms. */
async function readEnds(reader: StoreReader, faults: Faults): Promise<ReadonlySet<string>> {
	const ends = new Set<string>();
	const rooms = await reader.read<{room_id: number; extremities: string}>('select room_id, extremities from rooms');
	for (const {room_id: room, extremities} of rooms) {
		try {
			for (const eventId of JSON.parse(extremities) as string[]) ends.add(eventId);
		} catch {
			faults.add(`room ${room}: its extremities are not JSON`);
		}
	}
	return ends;
}

function checkEvent(row: StoredEvent, faults: Faults): Pdu | undefined {
	const {nid, version, json} = row;
	const rules = version === null ? undefined : findRoomVersion(version);
	if (rules === undefined) {
		faults.add(`event ${nid}: its room has no version`);
		return undefined;
	}
	let parsed: ParsedPdu;
	try {
		parsed = parsePdu(readStrictJson(decodeText(json)), rules.id, {allowManyReferences: true});
	} catch (error) {
		if (!(error instanceof JsonSyntaxError)) throw error;
		faults.add(`event ${nid}: its JSON cannot be read: ${error.message}`);
		return undefined;
	}
	if (!parsed.ok) {
		faults.add(`event ${nid}: its JSON is no event: ${parsed.fault.reason}`);
		return undefined;
	}
	const {pdu} = parsed;
	faults.expect(pdu.eventId === decodeText(row.event_id), `event ${nid}: its id is not the one that its JSON has`);
	// One that came with a wrong hash is kept in its redacted form.
	const isWhole =
		hasRightContentHash(pdu.json) || canonicalJson(redactJson(rules.id, pdu.json)) === canonicalJson(pdu.json);
	faults.expect(isWhole, `event ${nid}: its content is not the one that its hash covers`);
	const columns: readonly (readonly [string, unknown, unknown])[] = [
		['room', textOf(row.room_id), pdu.roomId],
		['type', textOf(row.type), pdu.type],
		['state key', row.has_state_key === 0 ? undefined : textOf(row.state_key), pdu.stateKey],
		['sender', textOf(row.sender), pdu.sender],
		['depth', row.depth, pdu.depth],
		['time', row.origin_server_ts, pdu.originServerTs],
	];
	for (const [name, stored, said] of columns) {
		faults.expect(stored === said, `event ${nid}: its ${name} is not the one that its JSON has`);
	}
	faults.expect(row.redacted_by === null || row.redaction !== null, `event ${nid}: its redaction is not there`);
	return pdu;
}

const textOf = (stored: string | null): string | undefined => (stored === null ? undefined : decodeText(stored));

async function checkReferences(
	reader: StoreReader,
	faults: Faults,
	events: readonly {readonly row: StoredEvent; readonly pdu: Pdu}[],
): Promise<void> {
	// Of an outlier and of one that the rules refuse, the past need not be here.
	const placed = events.filter(({row}) => row.outlier === 0 && row.rejected === null);
	const named = placed.flatMap(({pdu}) => [...pdu.prevEvents, ...pdu.authEvents].map((eventId) => encodeText(eventId)));
	const rows = await readListed<{event_id: string}>(
		reader,
		named,
		(list) => `select event_id from events where event_id in ${list}`,
	);
	const known = new Set(rows.map(({event_id: eventId}) => decodeText(eventId)));
	const gaps = await readListed<{event_nid: number; missing: string}>(
		reader,
		placed.map(({row}) => row.nid),
		(list) => `select event_nid, missing from gaps where event_nid in ${list}`,
	);
	const gapsOf = new Set(gaps.map(({event_nid: nid, missing}) => `${nid} ${decodeText(missing)}`));
	for (const {row, pdu} of placed) {
		for (const eventId of pdu.prevEvents) {
			const isThere = known.has(eventId) || gapsOf.has(`${row.nid} ${eventId}`);
			faults.expect(isThere, `event ${row.nid}: an event before it is neither there nor known to be missing`);
		}
		for (const eventId of pdu.authEvents) {
			faults.expect(known.has(eventId), `event ${row.nid}: one of its auth events is not there`);
		}
	}
}
