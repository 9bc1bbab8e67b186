import test from 'ava';
import {request} from '../../../harness/index.ts';
import {type ClientEvent, errorOf, newsroom, noRoom, type Person, room} from './newsroom.ts';

const event = (id: string) => `/events/${encodeURIComponent(id)}`;

test('an event is found by its id alone, by who may see it', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({});
	const id = await alice.say(roomId, 'hello');
	const found = await alice.do<ClientEvent>('GET', event(id));
	t.deepEqual([found.room_id, found.content['body']], [roomId, 'hello']);
	const [real, unreal, wrong] = [
		await bob.ask('GET', event(id)),
		await bob.ask('GET', event(`$${'A'.repeat(43)}`)),
		await bob.ask('GET', event('nothing')),
	];
	t.deepEqual(errorOf(real), errorOf(unreal));
	t.deepEqual([real.status, real.body['errcode']], [404, 'M_NOT_FOUND']);
	t.true(wrong.status === 400 || wrong.status === 404);
});

interface Snapshot {
	readonly membership?: string;
	readonly visibility: string;
	readonly messages: {readonly chunk: readonly ClientEvent[]; readonly start?: string; readonly end: string};
	readonly state: readonly ClientEvent[];
	readonly account_data: readonly object[];
}

test('a room is given at once: state, newest events, and what is kept for it', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({visibility: 'public'});
	for (const body of ['one', 'two', 'three']) await alice.say(roomId, body);
	const owner = encodeURIComponent(alice.id);
	await alice.do('PUT', `/user/${owner}${room(roomId)}/tags/work`, {order: 0.5});
	const snapshot = await alice.do<Snapshot>('GET', `${room(roomId)}/initialSync?limit=2`);
	t.deepEqual(
		snapshot.messages.chunk.map(({content}) => content['body']),
		['two', 'three'],
	);
	t.is(snapshot.membership, 'join');
	t.is(snapshot.visibility, 'public');
	t.true(snapshot.state.some(({type}) => type === 'm.room.create'));
	t.deepEqual(snapshot.account_data, [{type: 'm.tag', content: {tags: {work: {order: 0.5}}}}]);
	const {chunk} = await alice.do<{chunk: ClientEvent[]}>(
		'GET',
		`${room(roomId)}/messages?dir=b&limit=1&from=${snapshot.messages.start}`,
	);
	t.is(chunk[0]?.content['body'], 'one');
	await alice.setState(roomId, 'm.room.history_visibility', {history_visibility: 'world_readable'});
	await alice.say(roomId, 'for all');
	const peek = await bob.do<Snapshot>('GET', `${room(roomId)}/initialSync`);
	t.is(peek.membership, undefined);
	t.is(peek.messages.chunk.at(-1)?.content['body'], 'for all');
});

test('a room that is closed and one that is not there are refused alike', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({});
	const [real, unreal] = [
		await bob.ask('GET', `${room(roomId)}/initialSync`),
		await bob.ask('GET', `${room(noRoom(roomId))}/initialSync`),
	];
	t.deepEqual(errorOf(real), errorOf(unreal));
	t.deepEqual([real.status, real.body['errcode']], [403, 'M_FORBIDDEN']);
});

interface EventsPage {
	readonly chunk: readonly ClientEvent[];
	readonly start: string;
	readonly end: string;
}

const listen = (person: Person, from: string, more = '') =>
	person.do<EventsPage>('GET', `/events?from=${encodeURIComponent(from)}${more}`);

const bodiesOf = ({chunk}: EventsPage) => chunk.map(({content, type}) => content['body'] ?? type);

interface Everything {
	readonly end: string;
	readonly rooms: readonly (Snapshot & {readonly room_id: string; readonly invite?: ClientEvent})[];
	readonly presence: readonly object[];
	readonly account_data: readonly {readonly type: string; readonly content: Readonly<Record<string, unknown>>}[];
}

test('everything is given at once: rooms, invites, what is kept, and those that were left where one asks', async (t) => {
	const {alice, bob} = await newsroom(t);
	const [own, left] = [await alice.create({visibility: 'public'}), await alice.create({})];
	for (const body of ['one', 'two', 'three']) await alice.say(own, body);
	await alice.do('POST', `${room(left)}/leave`);
	const invited = await bob.create({invite: [alice.id]});
	const owner = encodeURIComponent(alice.id);
	await alice.do('PUT', `/user/${owner}${room(own)}/tags/work`, {order: 0.5});
	await alice.do('PUT', `/user/${owner}/account_data/desk`, {lamp: 'on'});
	const all = await alice.do<Everything>('GET', '/initialSync?limit=2');
	const standings = Object.fromEntries(all.rooms.map(({room_id: id, membership}) => [id, membership]));
	t.deepEqual(standings, {[invited]: 'invite', [own]: 'join'});
	const inOwn = all.rooms.find(({room_id: id}) => id === own)!;
	t.deepEqual(bodiesOf({...inOwn.messages, start: ''}), ['two', 'three']);
	t.true(inOwn.state.some(({type}) => type === 'm.room.create'));
	t.deepEqual(inOwn.account_data, [{type: 'm.tag', content: {tags: {work: {order: 0.5}}}}]);
	const invite = all.rooms.find(({room_id: id}) => id === invited)!.invite!;
	t.deepEqual([invite.sender, invite.state_key, invite.content['membership']], [bob.id, alice.id, 'invite']);
	t.deepEqual(all.account_data.map(({type}) => type).toSorted(), ['desk', 'm.push_rules']);
	t.true(Array.isArray(all.presence));
	const archived = await alice.do<Everything>('GET', '/initialSync?archived=true');
	const gone = archived.rooms.find(({room_id: id}) => id === left)!;
	t.is(gone.membership, 'leave');
	t.deepEqual(gone.messages.chunk.at(-1)?.content['membership'], 'leave');
});

test('who asks for everything at once says who they are, and how much in numbers', async (t) => {
	const {app, alice} = await newsroom(t);
	t.is((await request(app, 'GET', '/_matrix/client/v3/initialSync')).status, 401);
	t.is((await request(app, 'GET', '/_matrix/client/v3/events')).status, 401);
	for (const query of ['limit=x', 'limit=-1', 'archived=x']) {
		t.is((await alice.ask('GET', `/initialSync?${query}`)).status, 400, query);
	}
});

test('what comes in one’s rooms is told in order, once, and to those in them', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	const {end: from} = await alice.do<Everything>('GET', '/initialSync');
	const {end: ofCarol} = await carol.do<Everything>('GET', '/initialSync');
	const {next_batch: since} = await bob.do<{next_batch: string}>('GET', '/sync');
	await alice.say(roomId, 'one');
	await bob.join(roomId);
	await bob.say(roomId, 'two');
	const page = await listen(alice, from);
	t.deepEqual(bodiesOf(page), ['one', 'm.room.member', 'two']);
	t.true(page.chunk.every(({room_id: id}) => id === roomId));
	t.deepEqual(bodiesOf(await listen(alice, page.end)), []);
	t.deepEqual(bodiesOf(await listen(bob, since)), ['one', 'm.room.member', 'two']);
	t.deepEqual(bodiesOf(await listen(carol, ofCarol)), []);
	await alice.do('POST', `${room(roomId)}/invite`, {user_id: carol.id});
	const invited = await listen(carol, ofCarol);
	t.deepEqual(
		invited.chunk.map(({state_key: key, content}) => [key, content['membership']]),
		[[carol.id, 'invite']],
	);
	const before = await bob.do<EventsPage>('GET', '/events');
	t.deepEqual(bodiesOf(before), []);
	await bob.do('POST', `${room(roomId)}/leave`);
	await alice.say(roomId, 'without bob');
	t.deepEqual(
		(await listen(bob, before.end)).chunk.map(({content}) => content['membership']),
		['leave'],
	);
	const synced = await alice.ask('GET', `/sync?since=${page.end}`);
	t.is(synced.status, 200);
});

test('who listens is told when something comes, and given nothing when the time is up', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	const {end} = await bob.do<EventsPage>('GET', '/events');
	const told = listen(bob, end, '&timeout=60000');
	await alice.say(roomId, 'news');
	t.deepEqual(bodiesOf(await told), ['news']);
	t.deepEqual(bodiesOf(await listen(bob, (await told).end, '&timeout=1')), []);
	t.is((await bob.ask('GET', '/events?from=nonsense')).body['errcode'], 'M_INVALID_PARAM');
	t.is((await bob.ask('GET', `/events?from=t${2 ** 40}_1`)).status, 400);
	t.is((await bob.ask('GET', '/events?timeout=x')).status, 400);
});

test('a room that anybody may read is listened to from outside, and no other', async (t) => {
	const {alice, bob} = await newsroom(t);
	const visible = {type: 'm.room.history_visibility', content: {history_visibility: 'world_readable'}};
	const [open, closed] = [await alice.create({initial_state: [visible]}), await alice.create({})];
	const query = (roomId: string) => `&room_id=${encodeURIComponent(roomId)}`;
	const {messages} = await bob.do<Snapshot>('GET', `${room(open)}/initialSync`);
	await alice.say(open, 'one');
	await alice.say(closed, 'secret');
	const page = await listen(bob, messages.end, query(open));
	t.deepEqual(bodiesOf(page), ['one']);
	const told = listen(bob, page.end, `${query(open)}&timeout=60000`);
	await alice.say(open, 'two');
	t.deepEqual(bodiesOf(await told), ['two']);
	t.deepEqual(bodiesOf(await listen(bob, (await told).end, `${query(open)}&timeout=1`)), []);
	t.deepEqual(bodiesOf(await listen(alice, page.end, query(open))), ['two']);
	const [real, unreal] = [
		await bob.ask('GET', `/events?${query(closed).slice(1)}`),
		await bob.ask('GET', `/events?${query(noRoom(closed)).slice(1)}`),
	];
	t.deepEqual(errorOf(real), errorOf(unreal));
	t.is(real.status, 403);
	t.is((await bob.ask('GET', `/events?from=nonsense${query(open)}`)).status, 400);
	const kept = listen(bob, (await told).end, `${query(open)}&timeout=60000`);
	const refused = t.throwsAsync(kept);
	await alice.setState(open, 'm.room.history_visibility', {history_visibility: 'joined'});
	await refused;
});
