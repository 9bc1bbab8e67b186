/** What is signed of templates that resident servers prepare, and what is shown of rooms to those who are invited. */
import test, {type ExecutionContext} from 'ava';
import type {JsonObject} from '../../../crypto/index.ts';
import {createRemoteRooms, OutboundError, RemoteRoomError} from '../../../federation/outbound/index.ts';
import type {Pdu} from '../../../federation/rooms/index.ts';
import {alice, bob, createWorld, failure, one, request, two, type World} from './remote-world.ts';

const OTHER_TEMPLATES: Readonly<Record<string, (event: JsonObject) => void>> = {
	'another type': (event) => (event['type'] = 'm.room.power_levels'),
	'another room': (event) => (event['room_id'] = '!other:one.test'),
	'another sender': (event) => (event['sender'] = '@carol:two.test'),
	'another state key': (event) => (event['state_key'] = alice),
	'no state key': (event) => delete event['state_key'],
	'another membership': (event) => (event['content'] = {membership: 'ban'}),
	'too many references': (event) => (event['prev_events'] = Array.from({length: 21}, () => `$${'a'.repeat(43)}`)),
	'references that are no ids': (event) => (event['auth_events'] = ['x']),
	'no references': (event) => delete event['prev_events'],
	'a depth that is no number': (event) => (event['depth'] = '1'),
};

for (const [what, change] of Object.entries(OTHER_TEMPLATES)) {
	test(`B2: a template with ${what} is not signed`, async (t) => {
		for (const [membership, joinRule] of [
			['join', 'public'],
			['knock', 'knock'],
			['leave', 'knock'],
		] as const) {
			const world = await createWorld(t, '11', joinRule);
			// Only who has knocked has something to take back.
			if (membership === 'leave') await world.remote.knock(request(world));
			world.requests.length = 0;
			world.tamper = (answer, {method}) => {
				if (method === 'GET') change(answer['event'] as JsonObject);
				return answer;
			};
			t.is((await failure(t, world.remote[membership](request(world)), membership)).code, 'bad_response');
			t.false(
				world.requests.some(({method}) => method === 'PUT'),
				membership,
			);
		}
	});
}

test('B2: nothing of a template but references and the authorising user gets into our event', async (t) => {
	const world = await createWorld(t);
	world.tamper = (answer, {method}) => {
		if (method === 'GET') {
			const event = answer['event'] as JsonObject;
			Object.assign(event, {
				unsigned: {},
				origin: 'evil.test',
				extra: 1,
				redacts: '$x',
				hashes: {},
				signatures: {[two]: {}},
			});
			Object.assign(event['content'] as JsonObject, {
				displayname: 'evil',
				join_authorised_via_users_server: 'not a user',
			});
		}
		return answer;
	};
	await world.remote.join(request(world));
	t.deepEqual(listKeys(t, world, 'join'), SIGNED_KEYS);
});

const SIGNED_KEYS = [
	'auth_events',
	'content',
	'depth',
	'hashes',
	'origin_server_ts',
	'prev_events',
	'room_id',
	'sender',
	'signatures',
	'state_key',
	'type',
];

/** Lists the keys of the event that was sent last; its content must be the membership alone. */
function listKeys(t: ExecutionContext, {requests}: World, membership: string): string[] {
	const sent = requests.at(-1)?.body as JsonObject;
	t.deepEqual({...(sent['content'] as JsonObject)}, {membership});
	return Object.keys(sent).toSorted();
}

test('B2: nor does it get into a knock, or into the leave that takes it back', async (t) => {
	const world = await createWorld(t, '11', 'knock');
	world.tamper = (answer, {method}) => {
		if (method !== 'GET') return answer;
		const event = answer['event'] as JsonObject;
		Object.assign(event, {unsigned: {}, origin: 'evil.test', extra: 1, signatures: {[two]: {}}});
		Object.assign(event['content'] as JsonObject, {displayname: 'evil', join_authorised_via_users_server: alice});
		return answer;
	};
	for (const membership of ['knock', 'leave'] as const) {
		await world.remote[membership](request(world));
		t.deepEqual(listKeys(t, world, membership), SIGNED_KEYS);
	}
});

test('D6: what an invite shows of a room is bounded, and the create event is always among it', async (t) => {
	const world = await createWorld(t, '12');
	const {engine} = world.resident;
	const room = await engine.findRoom(world.roomId);
	const create = (await room?.findState('m.room.create', ''))!;
	const describe = (type: string, length: number): Pdu =>
		engine.signFromProto({
			version: '12',
			roomId: world.roomId,
			event: {type, stateKey: '', sender: alice, content: {text: 'x'.repeat(length)}},
			prevEvents: [create.eventId],
			authEvents: [],
			depth: 9,
		});
	const invite = engine.signFromProto({
		version: '12',
		roomId: world.roomId,
		event: {type: 'm.room.member', stateKey: bob, sender: alice, content: {membership: 'invite'}},
		prevEvents: [create.eventId],
		authEvents: [],
		depth: 9,
	});
	const bodies: JsonObject[] = [];
	const remote = createRemoteRooms({
		...world,
		serverName: one,
		engine,
		storage: world.resident.storage,
		signatures: {check: () => Promise.resolve({allowed: true})},
		keyring: {findVerifyKey: () => Promise.resolve(undefined)},
		client: {
			request({body}) {
				bodies.push(body as JsonObject);
				return Promise.reject(new OutboundError('unreachable', 'down'));
			},
		},
	});
	const state = [
		describe('m.room.topic', 60_000),
		describe('m.room.name', 100),
		describe('m.room.avatar', 60_000),
		describe('m.room.encryption', 60_000),
		create,
	];
	await t.throwsAsync(remote.invite({pdu: invite, state}), {instanceOf: RemoteRoomError});
	const shown = bodies[0]?.['invite_room_state'] as JsonObject[];
	t.deepEqual(
		shown.map(({type}) => type),
		['m.room.create', 'm.room.topic', 'm.room.name'],
	);
	t.true(JSON.stringify(bodies[0]).length < 192 * 1024);
});
