/** Member events that are not what their path says. */
import test from 'ava';
import {type Pdu, toFederationEvent} from '../../../../federation/rooms/index.ts';
import {path} from '../../../harness/index.ts';
import {joinedMembers, startHost} from './world.ts';

test('B4: an event that is not the one the path names is refused', async (t) => {
	const host = await startHost(t, 2);
	const {peer, peers} = host;
	const [roomId, otherRoom] = [await host.createRoom(), await host.createRoom()];
	const bob = peer.userId('bob');
	const join = await peer.makeMember('join', roomId, bob);
	const other = await peer.makeMember('join', roomId, peer.userId('carol'));
	const built = (over: object): Pdu =>
		peer.sign({
			roomVersion: '11',
			roomId,
			type: 'm.room.member',
			sender: bob,
			stateKey: bob,
			content: {membership: 'join'},
			depth: join.depth,
			originServerTs: Date.now(),
			prevEvents: join.prevEvents,
			authEvents: join.authEvents,
			...over,
		});
	const lies: Record<string, [Pdu, {roomId?: string; eventId?: string}]> = {
		'another room': [join, {roomId: otherRoom}],
		'another event': [join, {eventId: other.eventId}],
		'a leave': [built({content: {membership: 'leave'}}), {}],
		'an invite': [built({content: {membership: 'invite'}}), {}],
		'no membership': [built({content: {}}), {}],
		'a message': [built({type: 'm.room.message'}), {}],
		'no state': [built({stateKey: undefined}), {}],
		'somebody else': [built({stateKey: peer.userId('carol')}), {}],
		'a user of another server': [built({sender: peers[1]!.userId('dave'), stateKey: peers[1]!.userId('dave')}), {}],
	};
	for (const [lie, [pdu, over]] of Object.entries(lies)) {
		const uri = `/_matrix/federation/v2/send_join/${path(over.roomId ?? roomId)}/${path(over.eventId ?? pdu.eventId)}`;
		const answer = await peer.request('PUT', uri, {body: toFederationEvent(pdu)});
		t.is(answer.status, 400, lie);
		t.is(answer.body['errcode'], 'M_INVALID_PARAM', lie);
	}
	t.deepEqual(Object.keys((await joinedMembers(host, roomId)).joined), [host.alice.user_id]);
});

for (const [membership, joinRule] of [
	['leave', 'public'],
	['knock', 'knock'],
] as const) {
	test(`B4: a ${membership} that is not the one the path names is refused`, async (t) => {
		const host = await startHost(t, 2);
		const {peer, peers} = host;
		const initialState = [{type: 'm.room.join_rules', state_key: '', content: {join_rule: joinRule}}];
		const [roomId, otherRoom] = [await host.createRoom({initialState}), await host.createRoom({initialState})];
		const bob = peer.userId('bob');
		if (membership === 'leave') for (const room of [roomId, otherRoom]) await peer.join(room, bob);
		const right = await peer.makeMember(membership, roomId, bob);
		const before = (await joinedMembers(host, roomId)).joined;
		const built = (over: object): Pdu => {
			const {depth, prevEvents, authEvents} = right;
			const fields = {type: 'm.room.member', sender: bob, stateKey: bob, content: {membership}, ...over};
			const references = {depth, prevEvents, authEvents, originServerTs: Date.now()};
			return peer.sign({roomVersion: '11', roomId, ...references, ...fields});
		};
		const foreign = peers[1]!.userId('dave');
		const lies: Record<string, [Pdu, {roomId?: string; eventId?: string}]> = {
			'another room': [right, {roomId: otherRoom}],
			'another event': [right, {eventId: `$${'a'.repeat(43)}`}],
			'a join': [built({content: {membership: 'join'}}), {}],
			'a ban': [built({content: {membership: 'ban'}}), {}],
			'no membership': [built({content: {}}), {}],
			'a message': [built({type: 'm.room.message'}), {}],
			'a topic': [built({type: 'm.room.topic', stateKey: ''}), {}],
			'somebody else': [built({stateKey: host.alice.user_id}), {}],
			'a user of another server': [built({sender: foreign, stateKey: foreign}), {}],
		};
		const version = membership === 'knock' ? 'v1' : 'v2';
		for (const [lie, [pdu, over]] of Object.entries(lies)) {
			const at = `${path(over.roomId ?? roomId)}/${path(over.eventId ?? pdu.eventId)}`;
			const body = toFederationEvent(pdu);
			const answer = await peer.request('PUT', `/_matrix/federation/${version}/send_${membership}/${at}`, {body});
			t.deepEqual([answer.status, answer.body['errcode']], [400, 'M_INVALID_PARAM'], lie);
		}
		t.deepEqual((await joinedMembers(host, roomId)).joined, before);
	});
}
