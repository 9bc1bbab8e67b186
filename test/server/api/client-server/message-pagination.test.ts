import test from 'ava';
import {type ClientEvent, newsroom, type Person, room, VERSIONS} from './newsroom.ts';

interface Page {
	readonly chunk: readonly ClientEvent[];
	readonly start: string;
	readonly end?: string;
	readonly state?: readonly ClientEvent[];
}

const bodies = (events: readonly ClientEvent[]) =>
	events.filter(({type}) => type === 'm.room.message').map(({content}) => content['body']);

function page(person: Person, roomId: string, query: Readonly<Record<string, string | number>>): Promise<Page> {
	const search = new URLSearchParams(query as Record<string, string>);
	return person.do<Page>('GET', `${room(roomId)}/messages?${search.toString()}`);
}

async function walk(person: Person, roomId: string, dir: 'b' | 'f', limit: number, query = {}): Promise<ClientEvent[]> {
	const seen: ClientEvent[] = [];
	let from: string | undefined;
	for (let pages = 0; pages < 200; pages += 1) {
		const answer: Page = await page(person, roomId, {dir, limit, ...query, ...(from !== undefined && {from})});
		seen.push(...answer.chunk);
		if (answer.end === undefined) return seen;
		from = answer.end;
	}
	throw new Error('expected the pages to end');
}

test('paging in either direction shows every event once, in order, whatever the size of pages', async (t) => {
	const {alice} = await newsroom(t);
	for (const version of VERSIONS.filter((id) => ['1', '3', '12'].includes(id))) {
		const roomId = await alice.create({room_version: version});
		for (let index = 0; index < 12; index += 1) await alice.say(roomId, `${index}`);
		const all = (await walk(alice, roomId, 'f', 100)).map(({event_id: id}) => id);
		t.is(new Set(all).size, 18, version);
		for (const limit of [1, 3, 7, 18, 19]) {
			const forwards = await walk(alice, roomId, 'f', limit);
			const backwards = await walk(alice, roomId, 'b', limit);
			t.deepEqual(
				forwards.map(({event_id: id}) => id),
				all,
				`${version}, ${limit}`,
			);
			t.deepEqual(backwards.map(({event_id: id}) => id).toReversed(), all, `${version}, ${limit}`);
		}
	}
});

test('a page begins and ends where its tokens say', async (t) => {
	const {alice} = await newsroom(t);
	const roomId = await alice.create();
	for (let index = 0; index < 6; index += 1) await alice.say(roomId, `${index}`);
	const newest = await page(alice, roomId, {dir: 'b', limit: 2});
	t.deepEqual(bodies(newest.chunk), ['5', '4']);
	const older = await page(alice, roomId, {dir: 'b', limit: 2, from: newest.end!});
	t.is(older.start, newest.end!);
	t.deepEqual(bodies(older.chunk), ['3', '2']);
	// The same point, the other way.
	t.deepEqual(bodies((await page(alice, roomId, {dir: 'f', limit: 9, from: older.end!})).chunk), ['2', '3', '4', '5']);
	const between = await page(alice, roomId, {dir: 'b', from: newest.end!, to: older.end!, limit: 9});
	t.deepEqual(bodies(between.chunk), ['3', '2']);
	t.is(between.end, undefined);
	const forwards = await page(alice, roomId, {dir: 'f', from: older.end!, to: newest.end!, limit: 9});
	t.deepEqual(bodies(forwards.chunk), ['2', '3']);
	t.deepEqual((await page(alice, roomId, {dir: 'b', limit: 0})).chunk, []);
	t.is((await page(alice, roomId, {dir: 'b'})).chunk.length, 10);
});

test('E14: what a token is not, and what a filter is not, is refused', async (t) => {
	const {alice} = await newsroom(t);
	const roomId = await alice.create();
	const ask = async (query: string) => {
		const answer = await alice.ask('GET', `${room(roomId)}/messages?${query}`);
		return [answer.status, answer.body['errcode']];
	};
	t.deepEqual(await ask(''), [400, 'M_MISSING_PARAM']);
	t.deepEqual(await ask('dir=x'), [400, 'M_INVALID_PARAM']);
	for (const token of [
		'nonsense',
		'-1',
		't-1_0',
		't1',
		't1_',
		't9223372036854775808_0',
		't1_99999999999999999',
		'%00',
	]) {
		t.deepEqual(await ask(`dir=b&from=${token}`), [400, 'M_INVALID_PARAM'], token);
		t.deepEqual(await ask(`dir=f&to=${token}`), [400, 'M_INVALID_PARAM'], token);
	}
	t.deepEqual(await ask('dir=b&limit=-1'), [400, 'M_INVALID_PARAM']);
	t.deepEqual(await ask('dir=b&limit=x'), [400, 'M_INVALID_PARAM']);
	t.is((await ask('dir=b&filter=%7B'))[0], 400);
	t.is((await ask('dir=b&filter=%7B%22types%22%3A5%7D'))[0], 400);
	t.deepEqual(await ask('dir=b&from=t1125899906842623_0&limit=1'), [200, undefined]);
});

test('a filter lets through what it names, and paging with it comes to an end', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	for (let index = 0; index < 30; index += 1) await (index % 10 === 0 ? bob : alice).say(roomId, `${index}`);
	await alice.do('PUT', `${room(roomId)}/send/m.room.message/u`, {
		body: 'picture',
		msgtype: 'm.image',
		url: 'mxc://a/b',
	});
	const filtered = async (filter: object, limit = 2) =>
		bodies(await walk(alice, roomId, 'f', limit, {filter: JSON.stringify(filter)}));
	t.deepEqual(await filtered({senders: [bob.id], types: ['m.room.mess*']}), ['0', '10', '20']);
	t.deepEqual(await filtered({contains_url: true}), ['picture']);
	t.is((await filtered({not_senders: [bob.id], types: ['m.room.message']}, 100)).length, 28);
	t.deepEqual(await filtered({not_rooms: [roomId]}), []);
	t.deepEqual(await filtered({types: []}), []);
});

test('members are loaded lazily: those who speak on the page', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	await carol.join(roomId);
	await bob.say(roomId, 'hello');
	const filter = JSON.stringify({lazy_load_members: true});
	const lazy = await page(alice, roomId, {dir: 'b', limit: 1, filter});
	t.deepEqual(
		lazy.state?.map(({type, state_key: key}) => [type, key]),
		[['m.room.member', bob.id]],
	);
	t.is((await page(alice, roomId, {dir: 'b', limit: 1})).state, undefined);
});

test('history is shown as far as the room’s visibility lets, and paging ends there', async (t) => {
	const {alice, bob} = await newsroom(t);
	const history = async (visibility: string) => {
		const roomId = await alice.create({
			preset: 'public_chat',
			initial_state: [{type: 'm.room.history_visibility', content: {history_visibility: visibility}}],
		});
		await alice.say(roomId, 'before');
		await bob.join(roomId);
		await alice.say(roomId, 'with bob');
		await bob.do('POST', `${room(roomId)}/leave`);
		await alice.say(roomId, 'without bob');
		return [bodies(await walk(bob, roomId, 'b', 2)), bodies(await walk(bob, roomId, 'f', 2))];
	};
	t.deepEqual(await history('joined'), [['with bob'], ['with bob']]);
	t.deepEqual(await history('shared'), [
		['with bob', 'before'],
		['before', 'with bob'],
	]);
	t.deepEqual(await history('world_readable'), [
		['without bob', 'with bob', 'before'],
		['before', 'with bob', 'without bob'],
	]);
});

test('a history that nobody but others may see is gone through in bounded steps', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({
		preset: 'public_chat',
		initial_state: [{type: 'm.room.history_visibility', content: {history_visibility: 'joined'}}],
	});
	// A room takes 512 at once.
	for (let sent = 0; sent < 1_100; sent += 100) {
		// oxlint-disable-next-line no-await-in-loop
		await Promise.all(
			Array.from({length: 100}, (_, index) => alice.do('PUT', `${room(roomId)}/send/m.x/${sent + index}`, {})),
		);
	}
	await bob.join(roomId);
	const first = await page(bob, roomId, {dir: 'b', limit: 10});
	// Nothing more to show yet, and still not the end.
	t.is(first.chunk.length, 1);
	t.not(first.end, undefined);
	// The room's beginning is older than the rule, and so everybody's.
	const seen = (await walk(bob, roomId, 'b', 10)).map(({type}) => type);
	t.deepEqual([seen[0], seen.at(-1), seen.includes('m.x')], ['m.room.member', 'm.room.create', false]);
});

test('a redacted message is shown redacted, and the transaction id to its own device alone', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	const eventId = await alice.say(roomId, 'secret');
	await alice.say(roomId, 'mine');
	await alice.do('PUT', `${room(roomId)}/redact/${encodeURIComponent(eventId)}/1`, {});
	const [, , redacted] = (await page(bob, roomId, {dir: 'b', limit: 3})).chunk;
	t.deepEqual(redacted?.content, {});
	const text = JSON.stringify((await page(bob, roomId, {dir: 'b', limit: 50})).chunk);
	t.false(text.includes('secret'));
	t.false(text.includes('transaction_id'));
	const own = (await page(alice, roomId, {dir: 'b', limit: 3})).chunk.find(({content}) => content['body'] === 'mine');
	t.is(own?.unsigned?.['transaction_id'], 'mine');
});

test('who may not read a room is told so before what is missing from the question', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	const ask = async () => {
		const {status, body} = await bob.ask('GET', `${room(roomId)}/messages`);
		return [status, body['errcode']];
	};
	t.deepEqual(await ask(), [400, 'M_MISSING_PARAM']);
	await bob.do('POST', `${room(roomId)}/leave`, {});
	await bob.do('POST', `${room(roomId)}/forget`, {});
	t.deepEqual(await ask(), [403, 'M_FORBIDDEN']);
});
