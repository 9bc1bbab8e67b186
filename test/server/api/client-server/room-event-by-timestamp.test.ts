import test from 'ava';
import {request} from '../../../harness/index.ts';
import {errorOf, newsroom, noRoom, type Person, room} from './newsroom.ts';

interface Found {
	readonly event_id: string;
	readonly origin_server_ts: number;
	readonly errcode?: string;
}

const near = (person: Person, roomId: string, ts: number | string, dir: string) =>
	request<Found>(person.app, 'GET', `/_matrix/client/v1${room(roomId)}/timestamp_to_event?ts=${ts}&dir=${dir}`, {
		token: person.session.access_token,
	});

test('the event nearest to a time is found in either direction', async (t) => {
	const {app, alice} = await newsroom(t);
	const roomId = await alice.create();
	app.advance(10_000);
	const first = await alice.say(roomId, 'first');
	app.advance(10_000);
	const second = await alice.say(roomId, 'second');
	const {origin_server_ts: ts} = (await near(alice, roomId, 2 ** 50, 'b')).body;
	t.is((await near(alice, roomId, ts, 'b')).body.event_id, second);
	t.is((await near(alice, roomId, ts - 5_000, 'b')).body.event_id, first);
	t.is((await near(alice, roomId, ts - 5_000, 'f')).body.event_id, second);
	const none = await near(alice, roomId, ts + 5_000, 'f');
	t.deepEqual([none.status, none.body.errcode], [404, 'M_NOT_FOUND']);
});

test('what a reader may not see is passed over, and a stranger learns nothing', async (t) => {
	const {app, alice, bob} = await newsroom(t);
	const roomId = await alice.create({
		preset: 'public_chat',
		initial_state: [{type: 'm.room.history_visibility', content: {history_visibility: 'joined'}}],
	});
	const [real, unreal] = [await near(bob, roomId, 0, 'f'), await near(bob, noRoom(roomId), 0, 'f')];
	t.deepEqual(errorOf(real as never), errorOf(unreal as never));
	t.is(real.status, 403);
	app.advance(1_000);
	await alice.say(roomId, 'hidden');
	const {origin_server_ts: ts} = (await near(alice, roomId, 2 ** 50, 'b')).body;
	app.advance(1_000);
	await bob.join(roomId);
	const joined = (await near(bob, roomId, ts, 'f')).body;
	const event = await bob.do<{type: string}>('GET', `${room(roomId)}/event/${encodeURIComponent(joined.event_id)}`);
	t.is(event.type, 'm.room.member');
});

test('times and directions that are none are refused', async (t) => {
	const {alice} = await newsroom(t);
	const roomId = await alice.create();
	for (const [ts, dir] of [
		['x', 'f'],
		['1.5', 'f'],
		['9'.repeat(30), 'f'],
		['1', 'x'],
		['', 'f'],
	] as const) {
		const answer = await near(alice, roomId, ts, dir);
		t.is(answer.status, 400, `${ts} ${dir}`);
	}
});
