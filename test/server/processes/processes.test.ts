import test, {type ExecutionContext} from 'ava';
import type {EventId, RoomId} from '../../../crypto/index.ts';
import {createSeededRandom, findPostgres, login, PostgresServer, register} from '../../harness/index.ts';
import {findFaults} from './check.ts';
import {SyncingDevice} from './device.ts';
import {Chronicle, Person, type Scene} from './people.ts';
import {Processes} from './processes.ts';

const PEOPLE = 5;
const DEVICES = 2;
const ROOMS = 4;
const DEEDS = 20;
/** Looks that a device takes at the end before it must have been told everything: some of the answers are lost. */
const LAST_SYNCS_MAX = 50;

const found = findPostgres();
/** `PROCESSES_SEEDS=N` runs so many seeds, from `PROCESSES_SEED` on. */
const first = Number(process.env['PROCESSES_SEED'] ?? 1);
const seeds = Array.from({length: Number(process.env['PROCESSES_SEEDS'] ?? 1)}, (_, n) => first + n);

async function setUp(processes: Processes): Promise<Scene> {
	const people: Person[] = [];
	for (let n = 0; n < PEOPLE; n += 1) {
		const sessions = [await register(processes.pick(), `user${n}`)];
		while (sessions.length < DEVICES) sessions.push(await login(processes.pick(), `user${n}`));
		people.push(new Person(processes, sessions));
	}
	const rooms: RoomId[] = [];
	for (let n = 0; n < ROOMS; n += 1) {
		const {room_id: roomId} = await processes.call<{room_id: RoomId}>('POST', '/_matrix/client/v3/createRoom', {
			token: people[n % PEOPLE]!.sessions[0]!.access_token,
			body: {preset: 'public_chat', power_level_content_override: {state_default: 0}},
		});
		people[n % PEOPLE]!.rooms.add(roomId);
		rooms.push(roomId);
	}
	const scene = {processes, chronicle: new Chronicle(), people, rooms};
	await Promise.all(people.map((person) => person.join(rooms[0]!, scene)));
	await Promise.all(people.map((person) => person.uploadKeys()));
	return scene;
}

/** Lets devices learn what is left to learn, each through whichever process. */
async function settle(processes: Processes, devices: readonly SyncingDevice[]): Promise<void> {
	const head = Math.max(...processes.apps.map(({application}) => application.storage.stream.head()));
	await Promise.all(
		devices.map(async (device) => {
			for (let n = 0; device.pos < head; n += 1) {
				if (n === LAST_SYNCS_MAX) throw new Error(`expected to be told up to ${head}, got ${device.pos}`);
				await device.sync(0);
			}
		}),
	);
}

/** Reads a room backwards by pages, each from another process. */
async function readBack({processes, people}: Scene, roomId: RoomId): Promise<EventId[]> {
	const token = people[0]!.sessions[0]!.access_token;
	const events: EventId[] = [];
	for (let from: string | undefined = ''; from !== undefined; ) {
		const query = new URLSearchParams({dir: 'b', limit: '7', ...(from !== '' && {from})});
		type Page = {chunk: {event_id: EventId}[]; end?: string};
		const path = `/_matrix/client/v3/rooms/${roomId}/messages?${query.toString()}`;
		const page: Page = await processes.call<Page>('GET', path, {token});
		events.push(...page.chunk.map(({event_id: eventId}) => eventId));
		from = page.end;
	}
	return events.toReversed();
}

async function runSeed(t: ExecutionContext, seed: number): Promise<void> {
	const count = 2 + createSeededRandom(seed).below(2);
	const processes = await Processes.start(t, await postgres!.createDatabase(`seed${seed}`), count, seed);
	const scene = await setUp(processes);
	const devices = scene.people.flatMap(({sessions}) =>
		sessions.map((session) => new SyncingDevice(processes, session)),
	);
	const end = new AbortController();
	const syncing = Promise.all(devices.map((device) => device.run(end.signal)));
	await Promise.all(scene.people.map((person) => person.live(scene, DEEDS)));
	end.abort();
	await syncing;
	await settle(processes, devices);
	const faults = await findFaults(scene, devices);
	for (const roomId of scene.rooms.slice(0, 1)) {
		const timeline = await processes.listTimeline(roomId);
		t.deepEqual(
			await readBack(scene, roomId),
			timeline.map(({eventId}) => eventId),
		);
	}
	t.deepEqual(faults, [], `PROCESSES_SEED=${seed}`);
}

let postgres: PostgresServer | undefined;

test.before(async () => {
	if ('programs' in found) postgres = await PostgresServer.start(found.programs);
});
test.after.always(() => postgres?.[Symbol.asyncDispose]());

if ('skipped' in found) console.log(`skipped: several processes: ${found.skipped}`);
else {
	for (const seed of seeds) {
		test.serial(`several processes over one database are one server (PROCESSES_SEED=${seed})`, async (t) => {
			t.timeout(180_000);
			await runSeed(t, seed);
		});
	}
}
