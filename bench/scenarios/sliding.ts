/** Sliding sync: the windows of an account in 200 rooms, as Element X asks for them. */
import {forEachOf, type Figures, measureLoop, Stopwatch} from '../measure.ts';
import {createRoom, type Device, registerUsers, registerWithDevices, sendMessage} from '../population.ts';
import type {Bench, Scenario} from '../scenario.ts';

const ROOMS = 200;
const MESSAGES_PER_ROOM = 12;
/** Each operation asks from another device, so that no server answers from a cache of whole responses. */
const DEVICES = 20;
const ROOMS_AT_A_TIME = 4;
/** What compiling the server's code costs is counted in no answer. */
const WARM_UP = 1_000;
const PATH = '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync';

/** What matrix-rust-sdk's room list asks of each room. */
const REQUIRED_STATE = [
	['m.room.name', ''],
	['m.room.encryption', ''],
	['m.room.member', '$LAZY'],
	['m.room.member', '$ME'],
	['m.room.topic', ''],
	['m.room.avatar', ''],
	['m.room.canonical_alias', ''],
	['m.room.power_levels', ''],
	['org.matrix.msc3401.call.member', '*'],
	['m.room.join_rules', ''],
	['m.room.tombstone', ''],
	['m.room.create', ''],
	['m.room.history_visibility', ''],
	['io.element.functional_members', ''],
	['m.space.parent', '*'],
	['m.space.child', '*'],
	['org.matrix.msc3672.beacon_info', '*'],
];

/** Its first request, with a window that ends at `last`. */
const bodyOf = (last: number) => ({
	conn_id: 'room-list',
	lists: {all_rooms: {ranges: [[0, last]], required_state: REQUIRED_STATE, timeline_limit: 1, filters: {}}},
	extensions: {
		account_data: {enabled: true},
		receipts: {enabled: true, rooms: ['*']},
		typing: {enabled: true},
	},
});

interface SlidingAnswer {
	readonly pos: string;
	readonly rooms: Readonly<Record<string, object>>;
}

function slide({client}: Bench, device: Device, pos: string | undefined, last: number): Promise<SlidingAnswer> {
	const after = pos === undefined ? '' : `&pos=${encodeURIComponent(pos)}`;
	return client.call('POST', `${PATH}?timeout=0&set_presence=offline${after}`, device.token, bodyOf(last));
}

interface Reader {
	readonly devices: readonly Device[];
	readonly writer: Device;
	readonly rooms: readonly string[];
}

async function prepareReader(bench: Bench): Promise<Reader> {
	const devices = await registerWithDevices(bench, DEVICES);
	const [writer] = await registerUsers(bench, 1);
	const [reader] = devices;
	if (writer === undefined || reader === undefined) throw new Error('expected two accounts');
	const rooms: string[] = [];
	await forEachOf(ROOMS, ROOMS_AT_A_TIME, async (index) => {
		const roomId = await createRoom(bench.client, writer, [reader]);
		for (let message = 0; message < MESSAGES_PER_ROOM; message += 1) {
			await sendMessage(bench.client, writer, roomId, `slide-${index}-${message}`);
		}
		rooms.push(roomId);
	});
	return {devices, writer, rooms};
}

async function measureFirst(bench: Bench, {devices}: Reader): Promise<Figures> {
	return measureLoop({
		title: `sliding sync, first 20 of ${ROOMS} rooms`,
		pids: bench.pids,
		operationsMax: Math.min(bench.operationsMax, 1_000),
		secondsMax: bench.secondsMax,
		workers: 1,
		warmUp: WARM_UP,
		async operate(_, index) {
			const device = devices[index % DEVICES];
			if (device === undefined) throw new Error('expected a device');
			const {rooms} = await slide(bench, device, undefined, 19);
			const shown = Object.keys(rooms).length;
			if (shown !== 20) throw new Error(`expected 20 rooms, got ${shown}`);
		},
	});
}

/** The window grown to all rooms, as clients have it most of the time. */
async function growAll(bench: Bench, {devices}: Reader): Promise<string[]> {
	const positions: string[] = [];
	for (const device of devices) {
		let {pos} = await slide(bench, device, undefined, 19);
		for (let last = 99; last < ROOMS + 100; last += 100) ({pos} = await slide(bench, device, pos, last));
		positions.push(pos);
	}
	return positions;
}

/** One of the rooms gets one message, then every device asks once; the send is in the price of its 20 answers. */
async function measureIncremental(bench: Bench, reader: Reader): Promise<Figures> {
	const {devices, writer, rooms} = reader;
	const positions = await growAll(bench, reader);
	const round = async (index: number, watch: Stopwatch | undefined) => {
		const roomId = rooms[index % rooms.length] ?? '';
		await sendMessage(bench.client, writer, roomId, `slide-change-${index}`);
		for (const [place, device] of devices.entries()) {
			const begun = performance.now();
			const answer = await slide(bench, device, positions[place], ROOMS - 1);
			watch?.add(performance.now() - begun);
			positions[place] = answer.pos;
			const changed = Object.keys(answer.rooms).length;
			if (changed !== 1) watch?.fail(new Error(`expected one changed room, got ${changed}`));
		}
	};
	const rounds = Math.max(1, Math.min(100, Math.floor(bench.operationsMax / DEVICES)));
	for (let index = 0; index < Math.min(rounds, WARM_UP / DEVICES); index += 1) await round(index, undefined);
	const watch = new Stopwatch(`sliding sync, 1 of ${ROOMS} rooms changed`, rounds * DEVICES, bench.pids);
	for (let index = 0; index < rounds && watch.elapsedMs < bench.secondsMax * 1_000; index += 1) {
		await round(index + rounds, watch);
	}
	return watch.read();
}

async function measureEmpty(bench: Bench, reader: Reader): Promise<Figures> {
	const positions = await growAll(bench, reader);
	return measureLoop({
		title: `sliding sync, nothing new in ${ROOMS} rooms`,
		pids: bench.pids,
		operationsMax: bench.operationsMax,
		secondsMax: bench.secondsMax,
		workers: 1,
		warmUp: WARM_UP,
		async operate(_, index) {
			const place = index % DEVICES;
			const device = reader.devices[place];
			if (device === undefined) throw new Error('expected a device');
			const answer = await slide(bench, device, positions[place], ROOMS - 1);
			positions[place] = answer.pos;
			if (Object.keys(answer.rooms).length > 0) throw new Error('expected no room');
		},
	});
}

/** The first page, one changed room of all, and nothing new. */
export const sliding: Scenario = {
	id: 'sliding',
	about: `first page, incremental (one room changed) and empty answers of sliding sync to an account in ${ROOMS} rooms`,
	needsServer: true,
	async run(bench) {
		const reader = await prepareReader(bench);
		return [
			await measureFirst(bench, reader),
			await measureIncremental(bench, reader),
			await measureEmpty(bench, reader),
		];
	},
};
