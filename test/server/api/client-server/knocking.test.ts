import test from 'ava';
import {errorOf, newsroom, noRoom, room} from './newsroom.ts';

const knockable = (rule: string) => [{type: 'm.room.join_rules', content: {join_rule: rule}}];
const knockAt = (id: string) => `/knock/${encodeURIComponent(id)}`;

test('who knocks is let in by an invite; knocking twice is knocking once', async (t) => {
	const {alice, bob} = await newsroom(t);
	for (const [version, rule] of [
		['7', 'knock'],
		['10', 'knock_restricted'],
		['12', 'knock'],
	] as const) {
		const roomId = await alice.create({room_version: version, initial_state: knockable(rule)});
		t.deepEqual(await bob.do('POST', knockAt(roomId), {reason: 'please'}), {room_id: roomId});
		const before = await alice.do<{event_id: string}>(
			'GET',
			`${room(roomId)}/state/m.room.member/${bob.id}?format=event`,
		);
		await bob.do('POST', knockAt(roomId), {reason: 'pretty please'});
		const after = await alice.do<{event_id: string}>(
			'GET',
			`${room(roomId)}/state/m.room.member/${bob.id}?format=event`,
		);
		t.is(after.event_id, before.event_id, version);
		await alice.do('POST', `${room(roomId)}/invite`, {user_id: bob.id});
		await bob.join(roomId);
	}
});

test('nobody knocks at a room that does not want it, and nobody learns whether it is there', async (t) => {
	const {alice, bob} = await newsroom(t);
	for (const version of ['6', '12']) {
		const roomId = await alice.create({
			room_version: version,
			initial_state: knockable(version === '6' ? 'knock' : 'invite'),
		});
		const [real, unreal] = [
			await bob.ask('POST', knockAt(roomId), {}),
			await bob.ask('POST', knockAt(noRoom(roomId)), {}),
		];
		t.deepEqual(errorOf(real), errorOf(unreal), version);
		t.deepEqual([real.status, real.body['errcode']], [403, 'M_FORBIDDEN'], version);
	}
	await alice.create({room_alias_name: 'quiet', initial_state: knockable('knock')});
	const [real, unreal] = [
		await bob.ask('POST', knockAt('#quiet:news.example'), {}),
		await bob.ask('POST', knockAt('#nothing:news.example'), {}),
	];
	t.deepEqual(errorOf(real), errorOf(unreal));
	t.is(real.status, 404);
});

test('who is in, invited or banned does not knock', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	const roomId = await alice.create({invite: [bob.id], initial_state: knockable('knock')});
	await alice.do('POST', `${room(roomId)}/ban`, {user_id: carol.id});
	for (const person of [alice, bob, carol]) {
		const answer = await person.ask('POST', knockAt(roomId), {});
		t.deepEqual([answer.status, answer.body['errcode']], [403, 'M_FORBIDDEN']);
	}
});
