/** Rows C1, C3, C4, C6 and C7 of the list of threats: a server whose people break the rules of a room, told over HTTP. */
import test, {type ExecutionContext} from 'ava';
import {type JsonObject, type RoomId, signJson, type UserId} from '../../../../crypto/index.ts';
import {contentHash, type Pdu, parsePdu, signedForm, toFederationEvent} from '../../../../federation/rooms/index.ts';
import {call, type KnownRoom, path, request, type SignedPeer, until} from '../../../harness/index.ts';
import {type Host, hear, joinedMembers, startHost} from './world.ts';

interface Broken extends Host {
	readonly roomId: RoomId;
	readonly bob: UserId;
	readonly room: KnownRoom;
}

/** A room of alice in which bob of the peer is, who has so much power. */
async function startWith(
	t: ExecutionContext,
	{version, level = 0}: {readonly version: string; readonly level?: number},
): Promise<Broken> {
	const host = await startHost(t);
	const {app, alice, peer} = host;
	const bob = peer.userId('bob');
	const users = {...(version !== '12' && {[alice.user_id]: 100}), ...(level > 0 && {[bob]: level})};
	const {room_id: roomId} = await call<{room_id: RoomId}>(app, 'POST', '/_matrix/client/v3/createRoom', {
		token: alice.access_token,
		body: {room_version: version, preset: 'public_chat', power_level_content_override: {users}},
	});
	return {...host, roomId, bob, room: await peer.join(roomId, bob)};
}

/** Gives an event another content, with hash and signature right, also where no honest program would build it. */
function rewrite(peer: SignedPeer, pdu: Pdu, change: JsonObject): JsonObject {
	const {signatures: _signatures, hashes: _hashes, ...rest} = {...toFederationEvent(pdu), ...change};
	const hashed: JsonObject = {...rest, hashes: {sha256: contentHash(rest)}};
	const {signatures} = signJson(signedForm(pdu.roomVersion, hashed), peer.name, peer.key);
	return {...hashed, signatures};
}

/** The state of a room as its own people see it, by `type key`, with what is in it. */
async function stateOf({app, alice}: Host, roomId: RoomId): Promise<Record<string, [string, JsonObject]>> {
	const events = await call<readonly {type: string; state_key: string; event_id: string; content: JsonObject}[]>(
		app,
		'GET',
		`/_matrix/client/v3/rooms/${path(roomId)}/state`,
		{token: alice.access_token},
	);
	return Object.fromEntries(
		events.map(({type, state_key: key, event_id: id, content}) => [`${type} ${key}`, [id, content]]),
	);
}

/** Sends events that must change nothing, each in a transaction of its own, and then one that is right. */
async function checkRefused(
	t: ExecutionContext,
	host: Broken,
	lies: Readonly<Record<string, Pdu | JsonObject>>,
): Promise<void> {
	const {app, alice, peer, room, roomId, bob} = host;
	const before = await stateOf(host, roomId);
	const {staging} = app.application.services.federation.transactions;
	for (const [index, [lie, event]] of Object.entries(lies).entries()) {
		const json = 'eventId' in event ? toFederationEvent(event as Pdu) : event;
		const parsed = parsePdu(json, room.version);
		t.is((await peer.send(`lie${index}`, [json])).status, 200, lie);
		await until(() => staging.waiting === 0, `${lie} was looked at`);
		t.deepEqual(await stateOf(host, roomId), before, lie);
		if (!parsed.ok) continue;
		const at = `/_matrix/client/v3/rooms/${path(roomId)}/event/${path(parsed.pdu.eventId)}`;
		t.is((await request(app, 'GET', at, {token: alice.access_token})).status, 404, lie);
	}
	// The server is still listened to.
	t.is((await peer.send('good', [toFederationEvent(peer.message(room, bob, 'good'))])).status, 200);
	await hear(host, roomId, 'good');
}

for (const version of ['10', '12']) {
	test(`C1: an event that rests on one of another room is refused, in room version ${version}`, async (t) => {
		const host = await startWith(t, {version});
		const {peer, room, bob} = host;
		const elsewhere = await peer.join(await host.createRoom({version}), bob);
		const event = {type: 'm.room.message', sender: bob, content: {msgtype: 'm.text', body: 'lie'}};
		const own = peer.build(room, event).authEvents;
		const replaced = (key: string) =>
			own.map((id) => (id === room.state.get(key)?.eventId ? elsewhere.state.get(key)!.eventId : id));
		const foreign = ['m.room.power_levels ', `m.room.member ${bob}`, 'm.room.create '];
		const lies = foreign
			.filter((key) => version !== '12' || key !== 'm.room.create ')
			.map((key) => [`with ${key} of another room`, peer.build(room, event, {authEvents: replaced(key)})]);
		const all = peer.build(room, event, {authEvents: peer.build(elsewhere, event).authEvents});
		await checkRefused(t, host, {...Object.fromEntries(lies), 'with all of another room': all});
	});

	test(`C3: levels that are none change nothing, in room version ${version}`, async (t) => {
		const host = await startWith(t, {version, level: 100});
		const {peer, room, bob} = host;
		const [, was] = (await stateOf(host, host.roomId))['m.room.power_levels '] ?? [];
		const write = (over: object) => {
			const content = {...was, ...over};
			const pdu = peer.build(room, {type: 'm.room.power_levels', sender: bob, stateKey: '', content: {...was!}});
			return rewrite(peer, pdu, {content});
		};
		const users = was?.['users'] as JsonObject;
		await checkRefused(t, host, {
			'a text': write({ban: '50'}),
			'a text for a user': write({users: {...users, [bob]: '100'}}),
			'a text for a type': write({events: {'m.room.name': '50'}}),
			'a name that is no user': write({users: {...users, bob: 50}}),
			null: write({kick: null}),
			'a list': write({users: [bob]}),
			'a number that no level is': write({redact: true}),
			'more than one has': write({users: {...users, [bob]: 101}}),
			'a level beyond one’s own': write({state_default: 101}),
		});
	});

	test(`C4: who has no power gets none, whatever is said of the room's levels, in room version ${version}`, async (t) => {
		const host = await startWith(t, {version});
		const {peer, room, bob} = host;
		const grab = {
			type: 'm.room.power_levels',
			sender: bob,
			stateKey: '',
			content: {users: {...(version !== '12' && {[host.alice.user_id]: 100}), [bob]: 100}},
		};
		const {authEvents} = peer.build(room, grab);
		const levels = room.state.get('m.room.power_levels ')?.eventId;
		const asIfNone = {authEvents: authEvents.filter((id) => id !== levels)};
		const early = {...asIfNone, prevEvents: [room.state.get('m.room.create ')!.eventId], depth: 2};
		const topic = {type: 'm.room.topic', sender: bob, stateKey: '', content: {topic: 'mine'}};
		await checkRefused(t, host, {
			'levels of one’s own': peer.build(room, grab),
			'levels as if there were none': peer.build(room, grab, asIfNone),
			'levels as if nothing were but the beginning': peer.build(room, grab, early),
			'a topic as if there were no levels': peer.build(room, topic, asIfNone),
			'a ban': peer.build(room, {
				type: 'm.room.member',
				sender: bob,
				stateKey: host.alice.user_id,
				content: {membership: 'ban'},
			}),
		});
	});

	test(`C4: nobody takes away what makes the room what it is, in room version ${version}`, async (t) => {
		const host = await startWith(t, {version, level: 100});
		const {app, alice, peer, room, roomId, bob} = host;
		const redacts = room.state.get('m.room.create ')!.eventId;
		const content: JsonObject = version === '10' ? {} : {redacts};
		const redaction = peer.append(room, {type: 'm.room.redaction', sender: bob, content}, {redacts});
		t.is((await peer.send('redaction', [toFederationEvent(redaction)])).status, 200);
		await peer.send('after', [toFederationEvent(peer.message(room, bob, 'after'))]);
		await hear(host, roomId, 'after');
		const at = `/_matrix/client/v3/rooms/${path(roomId)}/event/${path(redacts)}`;
		const create = await call<{content: JsonObject; unsigned?: JsonObject}>(app, 'GET', at, {
			token: alice.access_token,
		});
		t.is(create.content['room_version'], version);
		t.false(Object.hasOwn(create.unsigned ?? {}, 'redacted_because'));
	});
}

test('C6: the creators of a room of version 12 are above the levels, and its beginning is in no list', async (t) => {
	const host = await startWith(t, {version: '12', level: 100});
	const {peer, room, bob, alice} = host;
	const create = room.state.get('m.room.create ')!;
	const message = {type: 'm.room.message', sender: bob, content: {msgtype: 'm.text', body: 'lie'}};
	const {authEvents} = peer.build(room, message);
	const levels = (users: JsonObject) => ({type: 'm.room.power_levels', sender: bob, stateKey: '', content: {users}});
	const another = (content: JsonObject, change: JsonObject = {}) => {
		const topic = peer.build(room, {type: 'm.room.topic', sender: bob, stateKey: '', content: {}});
		return rewrite(peer, topic, {type: 'm.room.create', content: {room_version: '12', ...content}, ...change});
	};
	await checkRefused(t, host, {
		'the create event among those that an event rests on': peer.build(room, message, {
			authEvents: [create.eventId, ...authEvents],
		}),
		'levels that name the creator': peer.build(room, levels({[bob]: 100, [alice.user_id]: 50})),
		'a kick of the creator': peer.build(room, {
			type: 'm.room.member',
			sender: bob,
			stateKey: alice.user_id,
			content: {membership: 'leave'},
		}),
		'a second beginning': another({}),
		'a second beginning with more creators': another({additional_creators: [bob]}),
		'a second beginning with creators that are none': another({additional_creators: ['bob', 5]}),
		'a beginning without references': another({}, {prev_events: [], auth_events: []}),
	});
});

for (const version of ['8', '12']) {
	test(`C7: a restricted room takes nobody in without a member's word and that server's signature, in room version ${version}`, async (t) => {
		const host = await startHost(t);
		const {app, alice, peer} = host;
		const [bob, carol] = [peer.userId('bob'), peer.userId('carol')];
		const newsroom = await host.createRoom({version});
		const allow = [{type: 'm.room_membership', room_id: newsroom}];
		const {room_id: roomId} = await call<{room_id: RoomId}>(app, 'POST', '/_matrix/client/v3/createRoom', {
			token: alice.access_token,
			body: {
				room_version: version,
				power_level_content_override: {invite: 50},
				initial_state: [{type: 'm.room.join_rules', state_key: '', content: {join_rule: 'restricted', allow}}],
			},
		});
		await peer.join(newsroom, bob);
		const room = await peer.join(roomId, bob);
		// Carol meets the condition too; nobody has said so for her.
		await peer.join(newsroom, carol);
		const member = (content: JsonObject, by?: string) => {
			const event = {type: 'm.room.member', sender: carol, stateKey: carol, content: {membership: 'join', ...content}};
			const voucher = by === undefined ? undefined : room.state.get(`m.room.member ${by}`)?.eventId;
			const {authEvents} = peer.build(room, event);
			return peer.build(room, event, {authEvents: [...authEvents, ...(voucher === undefined ? [] : [voucher])]});
		};
		const vouchedBy = (by: string) => member({join_authorised_via_users_server: by}, by);
		await checkRefused(
			t,
			{...host, roomId, bob, room},
			{
				'no voucher': member({}),
				'a voucher whose server has not signed': vouchedBy(alice.user_id),
				'a voucher who may not invite': vouchedBy(bob),
				'a voucher who is not there': member({join_authorised_via_users_server: '@nobody:news.example'}),
				'a voucher who is none': member({join_authorised_via_users_server: 5}),
			},
		);
		t.deepEqual(Object.keys((await joinedMembers(host, roomId)).joined).toSorted(), [alice.user_id, bob].toSorted());
	});
}
