/** Whether a strange server can tell by the clock what it is not told: some minutes, so only where TIMING_SAMPLES says how many. */
import test from 'ava';
import type {EventId, RoomId} from '../../../../crypto/index.ts';
import {toFederationEvent} from '../../../../federation/rooms/index.ts';
import {call, path} from '../../../harness/index.ts';
import {createSeededRandom} from '../../../harness/seeded-random.ts';
import {compareDurations, isAlike, sampleInTurn} from '../../../harness/timing.ts';
import {look, type Question, startStrange, type StrangeWorld} from './strange-world.ts';
import {say} from './world.ts';

const samples = Number(process.env['TIMING_SAMPLES'] ?? 0);
const maybe = samples > 0 ? test : test.skip;
if (samples === 0) console.log('skipped: TIMING_SAMPLES says how many answers of each kind to time');

const federation = '/_matrix/federation/v1';
/** Requests before the first that counts, so that all code is compiled and all caches are warm. */
const WARM = 100;
/** Times that a difference must show before it counts: the machine does other things as well. */
const RUNS = 2;

type Ask = (index: number) => Question;

const get = (uri: string): Question => ({method: 'GET', uri});

/** Asks about each of some names in turn. */
const inTurn =
	(names: readonly string[], ask: (name: string) => Question): Ask =>
	(index) =>
		ask(names[index % names.length]!);

/** Pairs of questions, the first about what is here and the second about what is not. */
function questionsOf(
	host: StrangeWorld,
	roomId: string,
	eventId: string,
): Readonly<Record<string, readonly [Ask, Ask]>> {
	const {peer} = host;
	const here = Object.values(host.people);
	// The last two are no names.
	const nobodies = host.nobodies.slice(0, -2);
	const bob = peer.userId('bob');
	const ofPeople = (ask: (userId: string) => Question): [Ask, Ask] => [inTurn(here, ask), inTurn(nobodies, ask)];
	const ofRooms = (ask: (room: string) => string): [Ask, Ask] => [
		() => get(ask(path(roomId))),
		() => get(ask(path('!28aSWamClP6pcursLxsRWHKF:news.example'))),
	];
	const ofAlias = (alias: string) => get(`${federation}/query/directory?room_alias=${path(alias)}`);
	const devicesOf = (userId: string) => get(`${federation}/user/devices/${path(userId)}`);
	let invites = 0;
	const inviteOf = (userId: string): Question => {
		const invite = peer.sign({
			roomVersion: '11',
			roomId: `!${(invites += 1)}:${peer.name}` as RoomId,
			type: 'm.room.member',
			sender: bob,
			stateKey: userId,
			content: {membership: 'invite'},
			depth: 5,
			originServerTs: Date.now(),
			prevEvents: [eventId as EventId],
			authEvents: [eventId as EventId],
		});
		return {
			method: 'PUT',
			uri: `/_matrix/federation/v2/invite/${path(invite.roomId)}/${path(invite.eventId)}`,
			body: {room_version: '11', event: toFederationEvent(invite), invite_room_state: []},
		};
	};
	let messages = 0;
	const messageFor = (userId: string): Question => {
		const message = {sender: bob, type: 'm.x', message_id: `${(messages += 1)}`, messages: {[userId]: {'*': {}}}};
		return {
			method: 'PUT',
			uri: `${federation}/send/timed${messages}`,
			body: {
				origin: peer.name,
				origin_server_ts: Date.now(),
				pdus: [],
				edus: [{edu_type: 'm.direct_to_device', content: message}],
			},
		};
	};
	return {
		'the same people twice': [inTurn(here, devicesOf), inTurn(here, devicesOf)],
		'row 36': ofPeople((id) => get(`${federation}/query/profile?user_id=${path(id)}`)),
		'row 37': ofPeople(devicesOf),
		'row 38': ofPeople((id) => ({
			method: 'POST',
			uri: `${federation}/user/keys/query`,
			body: {device_keys: {[id]: []}},
		})),
		'row 39': [() => ofAlias('#known:news.example'), () => ofAlias('#nobody:news.example')],
		'row 40': ofRooms((room) => `${federation}/make_join/${room}/${path(bob)}?ver=11`),
		'row 41': ofRooms((room) => `${federation}/state_ids/${room}?event_id=${path(eventId)}`),
		'row 42': ofRooms((room) => `${federation}/timestamp_to_event/${room}?ts=1&dir=f`),
		'row 43': [
			() => get(`${federation}/event/${path(eventId)}`),
			() => get(`${federation}/event/${path(`$${'a'.repeat(43)}`)}`),
		],
		'row 44': ofPeople(messageFor),
		// Last, because whoever was invited is known to the inviter's server.
		'row 18': ofPeople(inviteOf),
	};
}

maybe('rows 18 and 36 to 44: the clock tells a strange server nothing of who and what is here', async (t) => {
	const host = await startStrange(t);
	const roomId = await host.createRoom({preset: 'private_chat'});
	const {event_id: eventId} = await say(host, roomId, 'between us');
	await call(host.app, 'POST', '/_matrix/client/v3/createRoom', {
		token: host.alice.access_token,
		body: {room_alias_name: 'known'},
	});
	const random = createSeededRandom('timing');
	for (const [row, [first, second]] of Object.entries(questionsOf(host, roomId, eventId))) {
		const kinds = {first, second};
		const measure = (count: number) => {
			// Made before the clock runs.
			const questions = {
				first: Array.from({length: count}, (_, index) => kinds.first(index)),
				second: Array.from({length: count}, (_, index) => kinds.second(index)),
			};
			return sampleInTurn(
				count,
				(kind, index) => look(host, questions[kind][index]!, 'nothing'),
				() => random.chance(0.5),
			);
		};
		await measure(WARM);
		let isSame = false;
		for (let run = 0; run < RUNS && !isSame; run += 1) {
			const durations = await measure(samples);
			const comparison = compareDurations(durations.first, durations.second);
			t.log(row, comparison);
			isSame = isAlike(comparison);
		}
		t.true(isSame, row);
	}
});
