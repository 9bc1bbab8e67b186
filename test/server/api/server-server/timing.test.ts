/** Whether a strange server can tell by the clock what it is not told: some minutes, so only where TIMING_SAMPLES says how many. */
import test from 'ava';
import {call, path} from '../../../harness/index.ts';
import {createSeededRandom} from '../../../harness/seeded-random.ts';
import {compareDurations, isAlike, sampleInTurn} from '../../../harness/timing.ts';
import {look, type Question, startStrange} from './strange-world.ts';
import {say} from './world.ts';

const samples = Number(process.env['TIMING_SAMPLES'] ?? 0);
const maybe = samples > 0 ? test : test.skip;
if (samples === 0) console.log('skipped: TIMING_SAMPLES says how many answers of each kind to time');

const federation = '/_matrix/federation/v1';
/** Requests before the first that counts, so that all code is compiled and all caches are warm. */
const WARM = 100;
/** Times that a difference must show before it counts: the machine does other things as well. */
const RUNS = 2;

maybe('rows 36 to 43: the clock tells a strange server nothing of who and what is here', async (t) => {
	const host = await startStrange(t);
	const {app, alice} = host;
	const token = alice.access_token;
	const roomId = await host.createRoom({preset: 'private_chat'});
	const {event_id: eventId} = await say(host, roomId, 'between us');
	await call(app, 'POST', '/_matrix/client/v3/createRoom', {token, body: {room_alias_name: 'known'}});
	const here = Object.values(host.people);
	const nobodies = host.nobodies.slice(0, here.length);
	const bob = host.peer.userId('bob');
	const ofPeople = (ask: (userId: string) => Question) => [here.map(ask), nobodies.map(ask)] as const;
	const ofRooms = (ask: (roomId: string) => string) =>
		[roomId, '!28aSWamClP6pcursLxsRWHKF:news.example'].map((room) => [{method: 'GET', uri: ask(path(room))}]);
	const get = (uri: string): Question => ({method: 'GET', uri});
	const rows: Readonly<Record<string, readonly (readonly Question[])[]>> = {
		'the same person twice': [
			here.slice(0, 1).map((id) => get(`${federation}/user/devices/${path(id)}`)),
			here.slice(0, 1).map((id) => get(`${federation}/user/devices/${path(id)}`)),
		],
		'row 36': ofPeople((id) => get(`${federation}/query/profile?user_id=${path(id)}`)),
		'row 37': ofPeople((id) => get(`${federation}/user/devices/${path(id)}`)),
		'row 38': ofPeople((id) => ({
			method: 'POST',
			uri: `${federation}/user/keys/query`,
			body: {device_keys: {[id]: []}},
		})),
		'row 39': ['#known:news.example', '#nobody:news.example'].map((alias) => [
			get(`${federation}/query/directory?room_alias=${path(alias)}`),
		]),
		'row 40': ofRooms((room) => `${federation}/make_join/${room}/${path(bob)}?ver=11`),
		'row 41': ofRooms((room) => `${federation}/state_ids/${room}?event_id=${path(eventId)}`),
		'row 42': ofRooms((room) => `${federation}/timestamp_to_event/${room}?ts=1&dir=f`),
		'row 43': [eventId, `$${'a'.repeat(43)}`].map((id) => [get(`${federation}/event/${path(id)}`)]),
	};
	const random = createSeededRandom('timing');
	for (const [row, [known, unknown]] of Object.entries(rows)) {
		const kinds = {first: known!, second: unknown!};
		const measure = async (count: number) =>
			sampleInTurn(
				count,
				(kind, index) => look(host, kinds[kind][index % kinds[kind].length]!, 'nothing'),
				() => random.chance(0.5),
			);
		await measure(WARM);
		let isSame = false;
		for (let run = 0; run < RUNS && !isSame; run += 1) {
			const {first, second} = await measure(samples);
			const comparison = compareDurations(first, second);
			t.log(row, comparison);
			isSame = isAlike(comparison);
		}
		t.true(isSame, row);
	}
});
