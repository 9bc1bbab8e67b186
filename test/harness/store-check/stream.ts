import {encodeText} from '../../../storage/text.ts';
import type {Faults} from './faults.ts';
import {readListed, type Row, type StoreReader} from './reader.ts';

/** Rows of one kind of fault that are told. */
const TOLD_MAX = 10;
const PAGE = 1_000;

/** Columns that hold positions. */
const POSITIONS: readonly (readonly [table: string, column: string])[] = [
	['account_data', 'pos'],
	['events', 'anchor'],
	['memberships', 'pos'],
	['outgoing_edus', 'pos'],
	['profiles', 'pos'],
	['pushers', 'pos'],
	['receipts', 'pos'],
	['room_heads', 'pos'],
	['room_servers', 'from_pos'],
	['room_servers', 'to_pos'],
	['rooms', 'head_pos'],
	['stream', 'pos'],
	['to_device', 'pos'],
	['cursors', 'acked'],
];

/** Columns that hold ids of the one sequence. */
const IDS: readonly (readonly [table: string, column: string])[] = [
	['events', 'nid'],
	['inbound_staging', 'id'],
	['jobs', 'id'],
	['outgoing_edus', 'id'],
	['strings', 'id'],
	['trie_nodes', 'node'],
];

/** The stream has every position up to its head, and nothing lies beyond; ids that will be given are not in use. */
export async function checkStream(reader: StoreReader, faults: Faults): Promise<void> {
	const [head] = await reader.read<{pos: number}>('select pos from stream_head where id = 1');
	const [sequence] = await reader.read<{next: number}>('select next from sequence where id = 1');
	if (head === undefined || sequence === undefined) {
		faults.add('the head of the stream or the sequence of ids is not there');
		return;
	}
	await checkBelow(reader, faults, POSITIONS, head.pos, 'lies beyond the head of the stream');
	await checkBelow(reader, faults, IDS, sequence.next - 1, 'has an id that the sequence has not given');
	const gaps = await reader.read<{pos: number; previous: number}>(`
		select pos, previous from (select pos, lag(pos) over (order by pos) as previous from stream) as pairs
		where pos <> previous + 1 order by pos limit ${TOLD_MAX}`);
	for (const {pos, previous} of gaps) faults.add(`stream: nothing between the positions ${previous} and ${pos}`);
	const [last] = await reader.read<{pos: number | null}>('select max(pos) as pos from stream');
	faults.expect((last?.pos ?? head.pos) === head.pos, 'stream: its last position is not that of its head');
	await checkLive(reader, faults);
}

async function checkBelow(
	reader: StoreReader,
	faults: Faults,
	columns: readonly (readonly [table: string, column: string])[],
	most: number,
	what: string,
): Promise<void> {
	for (const [table, column] of columns) {
		const [found] = await reader.read<{most: number | null}>(`select max(${column}) as most from ${table}`);
		faults.expect((found?.most ?? 0) <= most, `${table}: a row ${what} (${column} ${found?.most})`);
	}
}

/** What happened live was announced at its place, once; of what the stream no longer holds nothing can be said. */
async function checkLive(reader: StoreReader, faults: Faults): Promise<void> {
	const unannounced = await reader.read<{nid: number}>(`
		select e.nid from events e left join stream s on s.pos = e.anchor and s.ref = e.nid and s.kind = 'event'
		where e.minor = 0 and e.anchor >= (select min(pos) from stream) and s.pos is null
		order by e.nid limit ${TOLD_MAX}`);
	for (const {nid} of unannounced) faults.add(`event ${nid}: was not announced at its place`);
	const unknown = await reader.read<{pos: number}>(`
		select s.pos from stream s join rooms r on r.room_id = s.room_id left join events e on e.nid = s.ref
		where s.kind = 'event' and (e.anchor is null or e.anchor <> s.pos) order by s.pos limit ${TOLD_MAX}`);
	for (const {pos} of unknown) faults.add(`stream: position ${pos} announces an event that is not there`);
}

interface Transaction extends Row {
	readonly endpoint: string;
	readonly txn_id: string;
	readonly answer: string | null;
}

/** Every transaction that was answered with an event names one that is there. */
export async function checkTransactions(reader: StoreReader, faults: Faults): Promise<void> {
	const lost = await reader.read<{event_id: string}>(`
		select t.event_id from client_transaction_events t left join events e on e.event_id = t.event_id
		where e.nid is null order by t.event_id limit ${TOLD_MAX}`);
	for (const {event_id: eventId} of lost) faults.add(`transaction: its event ${eventId} is not there`);
	for (let offset = 0; ; offset += PAGE) {
		const rows = await reader.read<Transaction>(`
			select endpoint, txn_id, answer from client_transactions
			order by user_id, device_id, method, endpoint, room_id, txn_id limit ${PAGE} offset ${offset}`);
		if (rows.length === 0) return;
		await checkAnswers(reader, faults, rows);
	}
}

async function checkAnswers(reader: StoreReader, faults: Faults, rows: readonly Transaction[]): Promise<void> {
	const answers = rows.flatMap(({endpoint, answer}) => {
		const {event_id: eventId} = (JSON.parse(answer ?? '{}') ?? {}) as {event_id?: unknown};
		return typeof eventId === 'string' ? [{endpoint, eventId: encodeText(eventId)}] : [];
	});
	const found = await readListed<{event_id: string}>(
		reader,
		answers.map(({eventId}) => eventId),
		(list) => `select event_id from events where event_id in ${list}`,
	);
	const known = new Set(found.map((row) => row.event_id));
	for (const {endpoint, eventId} of answers) {
		faults.expect(known.has(eventId), `transaction of ${endpoint}: its event ${eventId} is not there`);
	}
}
