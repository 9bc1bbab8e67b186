import {encodeText} from '../../../storage/text.ts';
import type {Faults} from './faults.ts';
import {readListed, type Row, type StoreReader} from './reader.ts';

interface Room extends Row {
	readonly room_id: number;
	readonly extremities: string;
	readonly depth: number;
	readonly head_version: number;
	readonly head_pos: number;
	readonly head_root: number | null;
}

/** Heads stand where their rooms' graphs and histories end, and memberships are what the current state says. */
export async function checkRooms(reader: StoreReader, faults: Faults): Promise<void> {
	const rooms = await reader.read<Room>(
		'select room_id, extremities, depth, head_version, head_pos, head_root from rooms',
	);
	for (const room of rooms) {
		await checkHead(reader, faults, room);
		if (room.head_root !== null) {
			await checkMemberships(reader, faults, room.room_id);
			await checkServers(reader, faults, room.room_id);
		}
	}
}

async function checkHead(reader: StoreReader, faults: Faults, room: Room): Promise<void> {
	const {room_id: id, head_root: root} = room;
	const extremities = JSON.parse(room.extremities) as string[];
	const rows = await readListed<{room_id: number; depth: number; anchor: number | null}>(
		reader,
		extremities.map((eventId) => encodeText(eventId)),
		(list) => `select room_id, depth, anchor from events where rejected is null and soft_failed = 0 and outlier = 0
			and event_id in ${list}`,
	);
	const own = rows.filter((row) => row.room_id === id);
	faults.expect(own.length === extremities.length, `room ${id}: an extremity of its head is not there`);
	faults.expect((root === null) === (extremities.length === 0), `room ${id}: has a state without an extremity`);
	if (own.length > 0) {
		const depth = Math.max(...own.map((row) => row.depth));
		faults.expect(room.depth >= depth, `room ${id}: its depth is less than that of an extremity`);
	}
	const [last] = await reader.read<{pos: number; version: number; root: number}>(
		`select pos, version, root from room_heads where room_id = ${id} order by pos desc limit 1`,
	);
	if (last === undefined) {
		faults.expect(root === null || root === 0, `room ${id}: its state has no history`);
		return;
	}
	faults.expect(last.root === root, `room ${id}: its state is not the last one of its history`);
	faults.expect(last.pos === room.head_pos, `room ${id}: its head stands at another position than its history`);
	faults.expect(last.version <= room.head_version, `room ${id}: its history is ahead of its head`);
}

interface Member extends Row {
	readonly user_id: number;
	readonly membership: string | null;
	readonly event_nid: number | null;
	readonly outlier: number | null;
	readonly state_nid: number | null;
	readonly state_json: string | null;
}

/**
 * An invite or a knock from outside, which comes as an outlier, stands beside the state that this server knew when it was
 * last in the room; every other membership is the one of the current state.
 */
async function checkMemberships(reader: StoreReader, faults: Faults, room: number): Promise<void> {
	const members = `select c.state_key as user_id, c.event_nid, e.json from current_state c
		join strings type on type.id = c.type and type.text = 'm.room.member'
		join events e on e.nid = c.event_nid where c.room_id = ${room}`;
	const rows = await reader.read<Member>(`
		select m.user_id, m.membership, m.event_nid, own.outlier, state.event_nid as state_nid, state.json as state_json
		from memberships m left join (${members}) state on state.user_id = m.user_id
		left join events own on own.nid = m.event_nid where m.room_id = ${room}`);
	for (const row of rows) {
		if (row.outlier === 1 && row.event_nid !== row.state_nid) continue;
		const said = row.state_json === null ? 'leave' : membershipIn(row.state_json);
		faults.expect(
			row.membership === said && row.event_nid === row.state_nid,
			`room ${room}: the membership of user ${row.user_id} is not the one of the current state`,
		);
	}
	const known = new Set(rows.map((row) => row.user_id));
	for (const {user_id: user} of await reader.read<{user_id: number}>(members)) {
		faults.expect(known.has(user), `room ${room}: user ${user} is in its state and has no membership`);
	}
}

function membershipIn(json: string): unknown {
	return (JSON.parse(json) as {content: {membership?: unknown}}).content.membership;
}

/** The servers that are owed the room's events are those of its members. */
async function checkServers(reader: StoreReader, faults: Faults, room: number): Promise<void> {
	const joined = await reader.read<{text: string}>(`
		select distinct strings.text from memberships m join strings on strings.id = m.user_id
		where m.room_id = ${room} and m.membership = 'join' and m.is_local = 0`);
	const spans = await reader.read<{text: string}>(`
		select strings.text from room_servers s join strings on strings.id = s.server
		where s.room_id = ${room} and s.to_pos is null`);
	const servers = new Set(joined.map(({text}) => text.slice(text.indexOf(':') + 1)));
	const owed = new Set(spans.map(({text}) => text));
	for (const server of servers) faults.expect(owed.has(server), `room ${room}: a server of a member is owed nothing`);
	for (const server of owed)
		faults.expect(servers.has(server), `room ${room}: a server without a member is owed events`);
}
