/** Reading: /sync of an account in 200 rooms, and the history of one room. */
import {forEachOf, type Figures, measureLoop, Stopwatch} from '../measure.ts';
import {
	createRoom,
	type Device,
	registerUsers,
	registerWithDevices,
	sendMessage,
	sync,
	syncPath,
} from '../population.ts';
import type {Bench, Scenario} from '../scenario.ts';

const ROOMS = 200;
/** More than a first /sync shows of each room. */
const MESSAGES_PER_ROOM = 12;
/** Devices that go on from their last answer, one after the other. */
const DEVICES = 20;
/** First answers that are measured: fewer say little of what compiling and collecting garbage have a share in. */
const FIRST_ANSWERS = 64;
const FIRST_ANSWERS_WARM_UP = 4;
/** Each first answer is another device's, so that no server answers from a cache of whole responses. */
const NEW_DEVICES = FIRST_ANSWERS + FIRST_ANSWERS_WARM_UP;
const ROOMS_AT_A_TIME = 4;
const PAGE = 100;
const PAGES = 10;

interface Reader {
	/** All of them ask for the first time once. */
	readonly newDevices: readonly Device[];
	/** Those of them that go on. */
	readonly devices: readonly Device[];
	readonly writer: Device;
	readonly rooms: readonly string[];
}

async function prepareReader(bench: Bench): Promise<Reader> {
	const newDevices = await registerWithDevices(bench, NEW_DEVICES);
	const [writer] = await registerUsers(bench, 1);
	const [reader] = newDevices;
	if (writer === undefined || reader === undefined) throw new Error('expected two accounts');
	const rooms: string[] = [];
	await forEachOf(ROOMS, ROOMS_AT_A_TIME, async (index) => {
		const roomId = await createRoom(bench.client, writer, [reader]);
		for (let message = 0; message < MESSAGES_PER_ROOM; message += 1) {
			await sendMessage(bench.client, writer, roomId, `room-${index}-${message}`);
		}
		rooms.push(roomId);
	});
	return {newDevices, devices: newDevices.slice(0, DEVICES), writer, rooms};
}

async function measureInitial(bench: Bench, {newDevices}: Reader): Promise<Figures> {
	return measureLoop({
		title: `initial sync, ${ROOMS} rooms`,
		pids: bench.pids,
		operationsMax: Math.min(bench.operationsMax, FIRST_ANSWERS),
		secondsMax: bench.secondsMax,
		workers: 1,
		warmUp: FIRST_ANSWERS_WARM_UP,
		async operate(_, index) {
			const {status, text} = await bench.client.send('GET', syncPath(undefined, 0), newDevices[index]?.token);
			if (status !== 200) throw new Error(`sync: expected 200, got ${status} ${text.slice(0, 200)}`);
		},
	});
}

/** One of the rooms gets one message, then every device asks once; the send is in the price of its 20 answers. */
async function measureIncremental(bench: Bench, {devices, writer, rooms}: Reader): Promise<Figures> {
	const tokens: string[] = [];
	for (const device of devices) tokens.push((await sync(bench.client, device, undefined)).next_batch);
	const round = async (index: number, watch: Stopwatch | undefined) => {
		const roomId = rooms[index % rooms.length] ?? '';
		await sendMessage(bench.client, writer, roomId, `change-${index}`);
		for (const [place, device] of devices.entries()) {
			const begun = performance.now();
			const answer = await sync(bench.client, device, tokens[place]);
			watch?.add(performance.now() - begun);
			tokens[place] = answer.next_batch;
			const changed = Object.keys(answer.rooms?.join ?? {});
			if (changed.length !== 1) watch?.fail(new Error(`expected one changed room, got ${changed.length}`));
		}
	};
	const rounds = Math.max(1, Math.min(50, Math.floor(bench.operationsMax / DEVICES)));
	for (let index = 0; index < Math.ceil(rounds / 10); index += 1) await round(index, undefined);
	const watch = new Stopwatch(`sync, 1 of ${ROOMS} rooms changed`, rounds * DEVICES, bench.pids);
	for (let index = 0; index < rounds && watch.elapsedMs < bench.secondsMax * 1_000; index += 1) {
		await round(ROOMS + index, watch);
	}
	return watch.read();
}

async function measureEmpty(bench: Bench, {devices}: Reader): Promise<Figures> {
	const tokens: string[] = [];
	for (const device of devices) tokens.push((await sync(bench.client, device, undefined)).next_batch);
	return measureLoop({
		title: `empty sync, ${ROOMS} rooms`,
		pids: bench.pids,
		operationsMax: Math.min(bench.operationsMax, 2_000),
		secondsMax: bench.secondsMax,
		workers: 4,
		warmUp: 200,
		async operate(_, index) {
			const device = devices[index % DEVICES];
			if (device === undefined) throw new Error('expected a device');
			const answer = await sync(bench.client, device, tokens[index % DEVICES]);
			tokens[index % DEVICES] = answer.next_batch;
		},
	});
}

/** First /sync, /sync after one change, and /sync after none, of an account in 200 rooms. */
export const syncRooms: Scenario = {
	id: 'sync',
	about: `initial, incremental (one room changed) and empty /sync of an account in ${ROOMS} rooms`,
	needsServer: true,
	async run(bench) {
		const reader = await prepareReader(bench);
		return [
			await measureInitial(bench, reader),
			await measureIncremental(bench, reader),
			await measureEmpty(bench, reader),
		];
	},
};

/** Reads a room's history backwards, page by page, and begins again at its end. */
export const messages: Scenario = {
	id: 'messages',
	about: `back-pagination by /messages, ${PAGE} events a page, through ${PAGE * PAGES} events`,
	needsServer: true,
	async run(bench) {
		const {client} = bench;
		const [reader] = await registerUsers(bench, 1);
		if (reader === undefined) throw new Error('expected an account');
		const roomId = await createRoom(client, reader, []);
		await forEachOf(PAGE * PAGES, 16, (index) => sendMessage(client, reader, roomId, `history-${index}`));
		const path = `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=${PAGE}`;
		let from: string | undefined;
		const figures = await measureLoop({
			title: `messages, pages of ${PAGE}`,
			pids: bench.pids,
			operationsMax: Math.min(bench.operationsMax, 400),
			secondsMax: bench.secondsMax,
			workers: 1,
			warmUp: PAGES * 2,
			async operate(_, index) {
				if (index % PAGES === 0) from = undefined;
				const after = from === undefined ? '' : `&from=${encodeURIComponent(from)}`;
				const page = await client.call<{chunk: unknown[]; end?: string}>('GET', path + after, reader.token);
				if (page.chunk.length !== PAGE) throw new Error(`expected ${PAGE} events, got ${page.chunk.length}`);
				from = page.end;
			},
		});
		return [figures];
	},
};
