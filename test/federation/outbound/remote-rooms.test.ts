import test from 'ava';
import {
	encodeBase64,
	type EventId,
	generateSigningKey,
	type JsonObject,
	type JsonValue,
	type RoomAlias,
	type ServerName,
} from '../../../crypto/index.ts';
import {createRemoteRooms, OutboundError, RemoteError, RemoteRoomError} from '../../../federation/outbound/index.ts';
import {type Pdu, parsePdu, type RoomVersionId, signPdu} from '../../../federation/rooms/index.ts';
import {firstEvents} from '../../harness/engine.ts';

import {alice, bob, createWorld, failure, one, request, two, type World} from './remote-world.ts';

for (const version of ['1', '6', '10', '12'] as const) {
	test(`a room of version ${version} is joined by a server that is in it, and both hold the same state`, async (t) => {
		const world = await createWorld(t, version);
		await world.remote.join(
			request(world, {displayname: 'Bob', membership: 'ban', join_authorised_via_users_server: alice}),
		);
		const rooms = await Promise.all([world.resident, world.joining].map(({engine}) => engine.findRoom(world.roomId)));
		const states = await Promise.all(
			rooms.map(async (room) => (await room?.listState())?.map(({eventId}) => eventId).toSorted()),
		);
		t.deepEqual(states[0], states[1]);
		const member = await rooms[1]?.findState('m.room.member', bob);
		t.deepEqual({...member?.content}, {displayname: 'Bob', membership: 'join'});
		t.deepEqual(
			world.requests.map(({destination, method}) => [destination, method]),
			[
				['down.test', 'GET'],
				[one, 'GET'],
				[one, 'PUT'],
			],
		);
		t.deepEqual((world.requests[1]?.query?.['ver'] as string[] | undefined)?.at(-1), '12');
	});
}

test('C13: a template of a room version that we do not know is not used', async (t) => {
	const world = await createWorld(t);
	world.tamper = (answer) => ({...answer, room_version: 'org.example.99'});
	t.is((await failure(t, world.remote.join(request(world)))).code, 'bad_response');
});

/** Changes the answer of send_join. */
function withAnswer(
	world: World,
	change: (answer: {state: JsonObject[]; auth_chain: JsonObject[]} & JsonObject) => void,
): void {
	world.tamper = (answer, {method}) => {
		if (method === 'PUT') change(answer as Parameters<typeof change>[0]);
		return answer;
	};
}

const find = (events: readonly JsonObject[], type: string): JsonObject =>
	events.find((event) => event['type'] === type) as JsonObject;

const BAD_ANSWERS: Readonly<Record<string, Parameters<typeof withAnswer>[1]>> = {
	'no create event': (answer) => (answer.state = answer.state.filter(({type}) => type !== 'm.room.create')),
	'another room version in the create event': (answer) =>
		((find(answer.state, 'm.room.create')['content'] as JsonObject)['room_version'] = '10'),
	'an event of another room': (answer) => (find(answer.state, 'm.room.join_rules')['room_id'] = '!other:one.test'),
	'members left out': (answer) => (answer['members_omitted'] = true),
	'no lists': (answer) => delete (answer as JsonObject)['state'],
	"somebody else's event": (answer) => (answer['event'] = find(answer.state, 'm.room.member')),
	'an unsigned create event': (answer) => {
		for (const events of [answer.state, answer.auth_chain]) find(events, 'm.room.create')['signatures'] = {};
	},
};

for (const [what, change] of Object.entries(BAD_ANSWERS)) {
	test(`C13: an answer with ${what} lets us join nothing`, async (t) => {
		const world = await createWorld(t);
		withAnswer(world, change);
		const {code} = await failure(t, world.remote.join(request(world)));
		t.true(code === 'bad_response' || code === 'refused', code);
		t.deepEqual(await world.joining.storage.memberships.listLocalJoined(world.roomId), []);
		t.is((await (await world.joining.engine.findRoom(world.roomId))?.listState())?.length ?? 0, 0);
	});
}

test('B1: events of the answer without a right signature are left out, and the join goes on', async (t) => {
	const world = await createWorld(t);
	const topic = {type: 'm.room.topic', stateKey: '', sender: alice, content: {topic: 'true'}};
	const {eventId} = await world.resident.engine.send({roomId: world.roomId, event: topic});
	let forged: JsonObject = {};
	withAnswer(world, (answer) => {
		const real = find(answer.state, 'm.room.topic');
		forged = {...real, content: {topic: 'forged'}, hashes: {sha256: 'A'.repeat(43)}};
		answer.state = answer.state.filter((event) => event !== real);
		answer.state.push(forged);
		answer.auth_chain = answer.auth_chain.filter(({type}) => type !== 'm.room.topic');
	});
	await world.remote.join(request(world));
	t.is(await world.joining.engine.findEvent(eventId), undefined);
	const parsed = parsePdu(forged, '11');
	t.true(parsed.ok);
	if (parsed.ok) t.is(await world.joining.engine.findEvent(parsed.pdu.eventId), undefined);
	t.is(await (await world.joining.engine.findRoom(world.roomId))?.findState('m.room.topic', ''), undefined);
});

test('B1: an event whose content does not match its hash is taken redacted', async (t) => {
	const world = await createWorld(t);
	const topic = {type: 'm.room.topic', stateKey: '', sender: alice, content: {topic: 'true'}};
	const {eventId} = await world.resident.engine.send({roomId: world.roomId, event: topic});
	withAnswer(world, (answer) => {
		for (const event of [...answer.state, ...answer.auth_chain])
			if (event['type'] === 'm.room.topic') event['content'] = {topic: 'forged'};
	});
	await world.remote.join(request(world));
	t.deepEqual({...(await world.joining.engine.findEvent(eventId))?.pdu.content}, {});
});

test('the most telling of several answers is given, and enough refusals end the asking', async (t) => {
	const world = await createWorld(t);
	const answers = new Map<string, Error>();
	const remote = createRemoteRooms({
		serverName: two,
		engine: world.joining.engine,
		storage: world.joining.storage,
		signatures: {check: () => Promise.resolve({allowed: true})},
		keyring: {findVerifyKey: () => Promise.resolve(undefined)},
		client: {
			request(asked) {
				world.requests.push(asked);
				return Promise.reject(answers.get(asked.destination) ?? new OutboundError('timeout', 'slow'));
			},
		},
	});
	const refuse = (status: number, errcode?: string, roomVersion?: string) =>
		new RemoteError({status, errcode, retryAfterMs: undefined, roomVersion});
	const ask = async (given: Readonly<Record<string, Error>>, count = 5): Promise<RemoteRoomError> => {
		answers.clear();
		world.requests.length = 0;
		for (const [name, error] of Object.entries(given)) answers.set(name, error);
		const via = Array.from({length: count}, (_, index) => `s${index}.test` as ServerName);
		return failure(t, remote.join({roomId: world.roomId, userId: bob, via, content: {}}));
	};
	t.is((await ask({}, 40)).code, 'unreachable');
	t.is(world.requests.length, 10);
	t.is((await ask({'s1.test': refuse(404, 'M_NOT_FOUND')})).code, 'not_found');
	t.is((await ask({'s1.test': refuse(404), 's3.test': refuse(403, 'M_FORBIDDEN')})).code, 'refused');
	t.is((await ask({'s0.test': refuse(400, 'M_UNABLE_TO_AUTHORISE_JOIN')})).code, 'unable_to_authorise');
	t.is(
		(
			await ask({
				's0.test': refuse(400, 'M_UNABLE_TO_GRANT_JOIN'),
				's1.test': refuse(400, 'M_UNABLE_TO_AUTHORISE_JOIN'),
			})
		).code,
		'unable_to_grant',
	);
	t.is((await ask({'s0.test': refuse(500, 'M_UNKNOWN')})).code, 'unreachable');
	t.is((await ask({'s0.test': refuse(401, 'M_UNKNOWN_TOKEN')})).code, 'unreachable');
	const version = await ask({'s0.test': refuse(400, 'M_INCOMPATIBLE_ROOM_VERSION', 'x.99')});
	t.like(version, {code: 'incompatible_version', roomVersion: 'x.99'});
	t.is(world.requests.length, 1);
	const forbidden = refuse(403, 'M_FORBIDDEN');
	t.is((await ask({'s0.test': forbidden, 's1.test': forbidden, 's2.test': forbidden})).code, 'refused');
	t.is(world.requests.length, 3);
	t.is((await ask({}, 0)).code, 'unreachable');
});

test('a knock is sent and stored with what tells of the room, and can be taken back', async (t) => {
	const world = await createWorld(t, '11', 'knock');
	await world.remote.knock(request(world, {reason: 'please'}));
	const knock = await world.joining.storage.memberships.find(world.roomId, bob);
	t.is(knock?.membership, 'knock');
	t.deepEqual(
		knock?.strippedState?.map(({type}) => type),
		['m.room.create'],
	);
	t.deepEqual(Object.keys(knock?.strippedState?.[0] ?? {}).toSorted(), ['content', 'sender', 'state_key', 'type']);
	await world.remote.leave(request(world));
	t.is((await world.joining.storage.memberships.find(world.roomId, bob))?.membership, 'leave');
	t.is(
		(await (await world.resident.engine.findRoom(world.roomId))?.findState('m.room.member', bob))?.content[
			'membership'
		],
		'leave',
	);
});

/** Stores an invite of bob, as the inviting server would have sent it. */
async function inviteBob(world: World): Promise<Pdu> {
	const event = {type: 'm.room.member', stateKey: bob, sender: alice, content: {membership: 'invite'}};
	const {pdu} = await world.resident.engine.send({roomId: world.roomId, event});
	await world.joining.engine.setOutsideMembership({pdu, strippedState: []});
	return pdu;
}

test('an invite is turned down at its server, and goes away even if that server is gone', async (t) => {
	const world = await createWorld(t, '11', 'invite');
	await inviteBob(world);
	await world.remote.leave(request(world));
	t.is(
		(await (await world.resident.engine.findRoom(world.roomId))?.findState('m.room.member', bob))?.content[
			'membership'
		],
		'leave',
	);
	t.is((await world.joining.storage.memberships.find(world.roomId, bob))?.membership, 'leave');

	const other = await createWorld(t, '11', 'invite');
	await inviteBob(other);
	await other.remote.leave({...request(other), via: ['down.test' as ServerName]});
	t.is((await other.joining.storage.memberships.find(other.roomId, bob))?.membership, 'leave');
	t.is(
		(await failure(t, other.remote.leave({...request(other), via: ['down.test' as ServerName]}))).code,
		'unreachable',
	);
});

/** Makes an invite of alice of one.test, into a room of two.test. */
async function makeInvite({joining: {engine}}: World, version: RoomVersionId): Promise<{pdu: Pdu; state: Pdu[]}> {
	const {roomId, pdus} = await engine.createRoom({version, events: firstEvents(version, bob, 'invite')});
	const event = {type: 'm.room.member', stateKey: alice, sender: bob, content: {membership: 'invite'}};
	const proto = await engine.makeProto(roomId, event);
	const [prevEvents, authEvents] = ['prev_events', 'auth_events'].map((name) => idsIn(proto.event[name]));
	const depth = proto.event['depth'] as number;
	const pdu = engine.signFromProto({version, roomId, event, depth, prevEvents: prevEvents!, authEvents: authEvents!});
	return {pdu, state: [pdus[0]!]};
}

/** The ids of events that an event names; in versions 1 and 2 each comes with a hash. */
const idsIn = (references: JsonValue | undefined): EventId[] =>
	(references as (EventId | [EventId, JsonObject])[]).map((entry) => (Array.isArray(entry) ? entry[0] : entry));

const refuse = (status: number, errcode?: string): never => {
	throw new RemoteError({status, errcode, retryAfterMs: undefined, roomVersion: undefined});
};

test('a server that does not know the newer endpoint is sent an invite by the older one, if the room is as old', async (t) => {
	for (const [version, fault, isAskedAgain] of [
		['1', () => refuse(404, 'M_UNRECOGNIZED'), true],
		['2', () => refuse(404), true],
		['2', () => refuse(405, 'M_UNRECOGNIZED'), true],
		['2', () => refuse(404, 'M_NOT_FOUND'), false],
		['2', () => refuse(403, 'M_FORBIDDEN'), false],
		['11', () => refuse(404, 'M_UNRECOGNIZED'), false],
	] as const) {
		const world = await createWorld(t, version, 'invite');
		const {pdu, state} = await makeInvite(world, version);
		world.tamper = (answer, {path}) => (path.includes('/v2/') ? fault() : answer);
		const inviting = world.remote.invite({pdu, state});
		if (isAskedAgain) t.deepEqual(Object.keys((await inviting)['signatures'] as JsonObject).toSorted(), [one, two]);
		else await failure(t, inviting);
		const asked = world.requests.map(({path}) => path.split('/')[3]);
		t.deepEqual(asked, isAskedAgain ? ['v2', 'v1'] : ['v2'], version);
		if (!isAskedAgain) continue;
		t.deepEqual(world.requests.at(-1)?.body, {...pdu.json, unsigned: {invite_room_state: [state[0]!.json]}});
		for (const answer of [[], {}, [200], [200, {}], [403, {event: {}}]]) {
			world.tamper = (_answer, {path}) => (path.includes('/v2/') ? fault() : answer);
			t.is((await failure(t, world.remote.invite({pdu, state}))).code, 'bad_response');
		}
	}
});

test("an invite of ours comes back with the invited server's signature, and only that is taken over", async (t) => {
	const world = await createWorld(t, '11', 'invite');
	const {pdu, state} = await makeInvite(world, '11');
	const invited = await world.remote.invite({pdu, state});
	t.deepEqual(Object.keys(invited['signatures'] as JsonObject).toSorted(), [one, two]);
	t.deepEqual(world.requests.at(-1)?.body, {
		event: pdu.json,
		invite_room_state: [state[0]?.json],
		room_version: '11',
	} as JsonObject);
	const bad: Readonly<Record<string, (answer: JsonObject) => JsonValue>> = {
		'another event': (answer) => ({event: {...(answer['event'] as JsonObject), origin_server_ts: 1}}),
		'no signature': () => ({event: pdu.json}),
		'a signature of another key': () => ({
			event: signPdu(pdu, one, generateSigningKey({version: world.residentKey.keyId.slice(8)})).json,
		}),
		'a signature that is none': () => ({
			event: {...pdu.json, signatures: {[one]: {[world.residentKey.keyId]: encodeBase64(Buffer.alloc(64))}}},
		}),
		'no event': () => ({}),
		'no object': () => [],
	};
	for (const [what, change] of Object.entries(bad)) {
		world.tamper = change;
		t.is((await failure(t, world.remote.invite({pdu, state}), what)).code, 'bad_response', what);
	}
});

test('an alias is asked of its server', async (t) => {
	const world = await createWorld(t);
	const alias = '#room:one.test' as RoomAlias;
	let answer: JsonValue = {room_id: world.roomId, servers: [one, 'not a server', 5, two]};
	const remote = createRemoteRooms({
		serverName: two,
		engine: world.joining.engine,
		storage: world.joining.storage,
		signatures: {check: () => Promise.resolve({allowed: true})},
		keyring: {findVerifyKey: () => Promise.resolve(undefined)},
		client: {
			request({destination, path, query}) {
				t.deepEqual([destination, path, query], [one, '/_matrix/federation/v1/query/directory', {room_alias: alias}]);
				if (answer === null) {
					return Promise.reject(
						new RemoteError({status: 404, errcode: 'M_NOT_FOUND', retryAfterMs: undefined, roomVersion: undefined}),
					);
				}
				return Promise.resolve({status: 200, headers: {}, body: answer});
			},
		},
	});
	t.deepEqual(await remote.findAlias(alias), {roomId: world.roomId, servers: [one, two]});
	answer = null;
	t.is(await remote.findAlias(alias), undefined);
	for (answer of [{}, {room_id: 'x', servers: []}, {room_id: world.roomId}, []]) {
		t.is((await failure(t, remote.findAlias(alias))).code, 'bad_response');
	}
});
