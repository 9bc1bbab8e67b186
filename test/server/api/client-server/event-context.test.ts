import test from 'ava';
import {type ClientEvent, newsroom, room} from './newsroom.ts';

interface Context {
	readonly start: string;
	readonly end: string;
	readonly event: ClientEvent;
	readonly events_before: readonly ClientEvent[];
	readonly events_after: readonly ClientEvent[];
	readonly state: readonly ClientEvent[];
}

const bodies = (events: readonly ClientEvent[]) => events.map(({content}) => content['body']);

test('an event comes with those around it, and tokens to go on from', async (t) => {
	const {alice} = await newsroom(t);
	const roomId = await alice.create();
	const ids: string[] = [];
	for (let index = 0; index < 9; index += 1) ids.push(await alice.say(roomId, `${index}`));
	const at = (query: string) =>
		alice.do<Context>('GET', `${room(roomId)}/context/${encodeURIComponent(ids[4]!)}${query}`);
	const context = await at('?limit=4');
	t.is(context.event.event_id, ids[4]!);
	t.deepEqual(bodies(context.events_before), ['3', '2']);
	t.deepEqual(bodies(context.events_after), ['5', '6']);
	const messages = (dir: string, from: string) =>
		alice.do<{chunk: ClientEvent[]}>('GET', `${room(roomId)}/messages?dir=${dir}&limit=2&from=${from}`);
	t.deepEqual(bodies((await messages('b', context.start)).chunk), ['1', '0']);
	t.deepEqual(bodies((await messages('f', context.end)).chunk), ['7', '8']);

	const alone = await at('?limit=0');
	t.deepEqual([alone.event.event_id, alone.events_before, alone.events_after], [ids[4], [], []]);
	t.is((await at('')).events_after.length, 4);
	t.is((await at('?limit=1')).events_after.length, 1);
});

test('the state is that at the last event, and only of those who speak where members are lazy', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat', name: 'first'});
	await bob.join(roomId);
	const eventId = encodeURIComponent(await alice.say(roomId, 'here'));
	await alice.setState(roomId, 'm.room.name', {name: 'second'});
	await alice.setState(roomId, 'm.room.name', {name: 'third'});
	const name = async (query: string) => {
		const {state} = await alice.do<Context>('GET', `${room(roomId)}/context/${eventId}?${query}`);
		return state.find(({type}) => type === 'm.room.name')?.content['name'];
	};
	t.deepEqual([await name('limit=0'), await name('limit=2'), await name('limit=4')], ['first', 'second', 'third']);
	const filter = encodeURIComponent(JSON.stringify({lazy_load_members: true}));
	const {state} = await alice.do<Context>('GET', `${room(roomId)}/context/${eventId}?limit=0&filter=${filter}`);
	t.deepEqual(
		state.filter(({type}) => type === 'm.room.member').map(({state_key: key}) => key),
		[alice.id],
	);
});

test('what is not there, not in the room, or not to be seen is not found', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({
		preset: 'public_chat',
		initial_state: [{type: 'm.room.history_visibility', content: {history_visibility: 'joined'}}],
	});
	const hidden = await alice.say(roomId, 'hidden');
	const elsewhere = await alice.say(await alice.create(), 'elsewhere');
	await bob.join(roomId);
	const after = await alice.say(roomId, 'after');
	for (const id of [hidden, elsewhere, '$nonsense']) {
		const answer = await bob.ask('GET', `${room(roomId)}/context/${encodeURIComponent(id)}`);
		t.deepEqual([answer.status, answer.body['errcode']], [404, 'M_NOT_FOUND'], id);
	}
	const context = await bob.do<Context>('GET', `${room(roomId)}/context/${encodeURIComponent(after)}`);
	t.false(JSON.stringify(context).includes('hidden'));
	t.is((await bob.ask('GET', `${room(roomId)}/context/${encodeURIComponent(after)}?limit=-1`)).status, 400);
});
