import test from 'ava';
import {errorOf, newsroom, type Person} from './newsroom.ts';
import {sync} from './sync-answers.ts';

const user = (person: Person): string => `/user/${encodeURIComponent(person.id)}`;

test('account data is kept, replaced, and told in sync once', async (t) => {
	const {alice} = await newsroom(t);
	const roomId = await alice.create();
	const path = `${user(alice)}/account_data/org.example.a`;
	const inRoom = `${user(alice)}/rooms/${encodeURIComponent(roomId)}/account_data/org.example.a`;
	t.is((await alice.ask('GET', path)).body['errcode'], 'M_NOT_FOUND');
	const {next_batch: since} = await sync(alice);
	t.deepEqual(await alice.do('PUT', path, {a: 1}), {});
	t.deepEqual(await alice.do('PUT', inRoom, {a: 'in the room', '\u0000': '\u0000'}), {});
	t.deepEqual(await alice.do('GET', path), {a: 1});
	t.deepEqual(await alice.do('GET', inRoom), {a: 'in the room', '\u0000': '\u0000'});
	const answer = await sync(alice, since);
	t.deepEqual(answer.account_data?.events, [{type: 'org.example.a', content: {a: 1}}]);
	t.deepEqual(answer.rooms?.join?.[roomId]?.account_data?.events, [
		{type: 'org.example.a', content: {a: 'in the room', '\u0000': '\u0000'}},
	]);
	const again = await sync(alice, answer.next_batch);
	t.is(again.account_data, undefined);
	t.is(again.rooms, undefined);
	await alice.do('PUT', path, {a: 2});
	const filter = {account_data: {not_types: ['org.example.*']}};
	t.is((await sync(alice, answer.next_batch, {filter})).account_data, undefined);
	t.deepEqual((await sync(alice, answer.next_batch)).account_data?.events[0]?.content, {a: 2});
});

test('what belongs to the server is set by other means', async (t) => {
	const {alice} = await newsroom(t);
	const roomId = await alice.create();
	for (const type of ['m.fully_read', 'm.push_rules']) {
		for (const path of ['', `/rooms/${encodeURIComponent(roomId)}`]) {
			const answer = await alice.ask('PUT', `${user(alice)}${path}/account_data/${type}`, {});
			t.is(answer.status, 405);
			t.is(answer.body['errcode'], 'M_BAD_JSON');
		}
	}
	const rules = await alice.do<{global: {override: unknown[]}}>('GET', `${user(alice)}/account_data/m.push_rules`);
	t.true(rules.global.override.length > 5);
	t.is((await alice.ask('PUT', `${user(alice)}/account_data/a`, [])).body['errcode'], 'M_BAD_JSON');
});

test('E12: nobody reads or writes what is another user’s, whether there is such a user or not', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create();
	const answers = [];
	for (const owner of [alice.id, '@nobody:news.example']) {
		const of = `/user/${encodeURIComponent(owner)}`;
		const inRoom = `${of}/rooms/${encodeURIComponent(roomId)}`;
		for (const [method, path, body] of [
			['GET', `${of}/account_data/a`],
			['PUT', `${of}/account_data/a`, {}],
			['GET', `${inRoom}/account_data/a`],
			['PUT', `${inRoom}/account_data/a`, {}],
			['GET', `${inRoom}/tags`],
			['PUT', `${inRoom}/tags/u.x`, {}],
			['DELETE', `${inRoom}/tags/u.x`],
			['POST', `${of}/filter`, {}],
			['GET', `${of}/filter/0`],
			['PUT', `/presence/${encodeURIComponent(owner)}/status`, {presence: 'online'}],
			['PUT', `/rooms/${encodeURIComponent(roomId)}/typing/${encodeURIComponent(owner)}`, {typing: true}],
		] as const) {
			answers.push(errorOf(await bob.ask(method, path, body)));
		}
	}
	for (const answer of answers) t.deepEqual(answer, {...answers[0]!, status: 403, errcode: 'M_FORBIDDEN'});
	const foreign = `${user(bob)}/rooms/${encodeURIComponent(roomId)}`;
	t.is((await bob.ask('PUT', `${foreign}/account_data/a`, {})).status, 403);
	t.is((await bob.ask('PUT', `${foreign}/tags/u.x`, {})).status, 403);
});

test('tags come and go, whatever they are called, and all at once', async (t) => {
	const {alice} = await newsroom(t);
	const roomId = await alice.create();
	const path = `${user(alice)}/rooms/${encodeURIComponent(roomId)}/tags`;
	t.deepEqual(await alice.do('GET', path), {tags: {}});
	const names = Array.from({length: 16}, (_, index) => `u.${index}`);
	await Promise.all(names.map((name) => alice.do('PUT', `${path}/${name}`, {order: 0.5})));
	await alice.do('PUT', `${path}/__proto__`, {});
	const {tags} = await alice.do<{tags: Record<string, unknown>}>('GET', path);
	t.deepEqual(Object.keys(tags).toSorted(), ['__proto__', ...names].toSorted());
	t.deepEqual(tags['u.3'], {order: 0.5});
	await alice.do('DELETE', `${path}/u.3`);
	await alice.do('DELETE', `${path}/u.3`);
	t.is((await alice.do<{tags: Record<string, unknown>}>('GET', path)).tags['u.3'], undefined);
	t.is((await alice.ask('PUT', `${path}/u.x`, {order: 'first'})).status, 400);
	const shown = (await sync(alice)).rooms?.join?.[roomId]?.account_data?.events;
	t.is(shown?.[0]?.type, 'm.tag');
});

test('what a user keeps has an end: long types, long tags, and more under one type than fits', async (t) => {
	const {alice} = await newsroom(t);
	const roomId = await alice.create();
	const put = async (path: string, body: object) => {
		const answer = await alice.ask('PUT', path, body);
		return [answer.status, answer.body['errcode']];
	};
	const inRoom = `${user(alice)}/rooms/${encodeURIComponent(roomId)}`;
	t.deepEqual(await put(`${user(alice)}/account_data/${'x'.repeat(255)}`, {}), [200, undefined]);
	for (const type of ['x'.repeat(256), encodeURIComponent('é'.repeat(128)), 'x'.repeat(5_000)]) {
		t.deepEqual(await put(`${user(alice)}/account_data/${type}`, {}), [400, 'M_INVALID_PARAM']);
		t.deepEqual(await put(`${inRoom}/account_data/${type}`, {}), [400, 'M_INVALID_PARAM']);
		t.deepEqual(await put(`${inRoom}/tags/${type}`, {}), [400, 'M_INVALID_PARAM']);
		t.is((await alice.ask('GET', `${user(alice)}/account_data/${type}`)).status, 404);
	}
	t.deepEqual(await put(`${inRoom}/tags/${'x'.repeat(255)}`, {}), [200, undefined]);
	const answers = [];
	for (const name of ['u.a', 'u.b', 'u.c', 'u.d']) {
		answers.push(await put(`${inRoom}/tags/${name}`, {order: 0.5, note: 'x'.repeat(90_000)}));
	}
	t.deepEqual(answers.at(-1), [413, 'M_TOO_LARGE']);
	t.deepEqual(answers[0], [200, undefined]);
});
