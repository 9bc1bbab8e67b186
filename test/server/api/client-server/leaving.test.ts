import test from 'ava';
import {until} from '../../../harness/index.ts';
import {errorOf, newsroom, noRoom, room, VERSIONS} from './newsroom.ts';

test('who leaves is out, and leaving again changes nothing', async (t) => {
	const {alice, bob} = await newsroom(t);
	for (const version of VERSIONS) {
		const roomId = await alice.create({room_version: version, preset: 'public_chat'});
		await bob.join(roomId);
		t.deepEqual(await bob.do('POST', `${room(roomId)}/leave`, {reason: 'done'}), {});
		t.deepEqual(await alice.state(roomId, 'm.room.member', bob.id), {membership: 'leave', reason: 'done'});
		const again = await bob.ask('POST', `${room(roomId)}/leave`, {});
		t.is(again.status, 200);
		t.is((await bob.ask('PUT', `${room(roomId)}/send/m.room.message/1`, {body: 'x'})).status, 403);
	}
});

test('an invite is turned down, a knock taken back', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	const roomId = await alice.create({
		invite: [bob.id],
		initial_state: [{type: 'm.room.join_rules', content: {join_rule: 'knock'}}],
	});
	await bob.do('POST', `${room(roomId)}/leave`);
	t.is((await alice.state(roomId, 'm.room.member', bob.id))['membership'], 'leave');
	await carol.do('POST', `/knock/${encodeURIComponent(roomId)}`);
	await carol.do('POST', `${room(roomId)}/leave`);
	t.is((await alice.state(roomId, 'm.room.member', carol.id))['membership'], 'leave');
});

test('a stranger to a room leaves and forgets it no more than one that is not there', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create();
	for (const verb of ['leave', 'forget']) {
		const real = await bob.ask('POST', `${room(roomId)}/${verb}`, {});
		const unreal = await bob.ask('POST', `${room(noRoom(roomId))}/${verb}`, {});
		t.deepEqual(errorOf(real), errorOf(unreal), verb);
		t.deepEqual([real.status, real.body['errcode']], [403, 'M_FORBIDDEN'], verb);
	}
});

test('a room is forgotten once it is left, and its history with it', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	const early = await bob.ask('POST', `${room(roomId)}/forget`);
	t.deepEqual([early.status, early.body['errcode']], [400, 'M_UNKNOWN']);
	await bob.do('POST', `${room(roomId)}/leave`);
	t.is((await bob.ask('GET', `${room(roomId)}/messages?dir=b`)).status, 200);
	t.deepEqual(await bob.do('POST', `${room(roomId)}/forget`), {});
	t.is((await bob.ask('GET', `${room(roomId)}/messages?dir=b`)).status, 403);
	t.is((await bob.ask('GET', `${room(roomId)}/state`)).status, 403);
	// Forgetting is not a ban, and whoever comes back remembers.
	await bob.join(roomId);
	t.is((await bob.ask('GET', `${room(roomId)}/messages?dir=b`)).status, 200);
});

test('who is deactivated is in no room any more', async (t) => {
	const {alice, bob} = await newsroom(t);
	const [open, closed] = [await alice.create({preset: 'public_chat'}), await alice.create({invite: [bob.id]})];
	await bob.join(open);
	const auth = {
		type: 'm.login.password',
		identifier: {type: 'm.id.user', user: 'bob'},
		password: 'pw-bob-Zq7!',
	};
	await bob.do('POST', '/account/deactivate', {auth});
	for (const roomId of [open, closed]) {
		await until(
			async () => (await alice.state(roomId, 'm.room.member', bob.id))['membership'] === 'leave',
			'the room to be left',
		);
	}
	t.pass();
});

test('a room that one is in is not forgotten; one that was is left to other devices, and opens again by an invite', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'private_chat', invite: [bob.id]});
	await bob.join(roomId);
	const inRoom = await bob.ask('POST', `${room(roomId)}/forget`, {});
	t.deepEqual([inRoom.status, inRoom.body['errcode']], [400, 'M_UNKNOWN']);
	const filter = encodeURIComponent(JSON.stringify({room: {include_leave: true}}));
	const sync = async (since?: string) =>
		bob.do<{next_batch: string; rooms?: {leave?: Readonly<Record<string, object>>}}>(
			'GET',
			`/sync?filter=${filter}${since === undefined ? '' : `&since=${since}`}`,
		);
	const {next_batch: since} = await sync();
	const before = await alice.say(roomId, 'before');
	await bob.do('POST', `${room(roomId)}/leave`, {});
	await bob.do('POST', `${room(roomId)}/forget`, {});
	t.is((await bob.ask('GET', `${room(roomId)}/messages`)).status, 403);
	t.is((await sync()).rooms?.leave?.[roomId], undefined);
	t.truthy((await sync(since)).rooms?.leave?.[roomId]);
	t.is((await bob.ask('POST', `/join/${encodeURIComponent(roomId)}`, {})).status, 403);
	await alice.do('POST', `${room(roomId)}/invite`, {user_id: bob.id});
	await bob.join(roomId);
	const {chunk} = await bob.do<{chunk: readonly {event_id: string}[]}>(
		'GET',
		`${room(roomId)}/messages?dir=b&limit=100`,
	);
	t.true(chunk.some(({event_id: id}) => id === before));
});

test('an invite that was turned down is forgotten', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({invite: [bob.id]});
	await bob.do('POST', `${room(roomId)}/leave`, {});
	t.deepEqual(await bob.do('POST', `${room(roomId)}/forget`, {}), {});
	t.is((await bob.ask('GET', `${room(roomId)}/messages`)).status, 403);
});
