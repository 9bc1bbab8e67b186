import test from 'ava';
import {login, startApp} from '../../../harness/index.ts';
import {errorOf, newsroom, noRoom, Person, room, VERSIONS} from './newsroom.ts';

interface Sent {
	readonly event_id: string;
}

test('a message reaches the room in every version, under an id of that version’s form', async (t) => {
	const {alice, bob} = await newsroom(t);
	const forms: Readonly<Record<string, RegExp>> = {1: /^\$[^:]+:news\.example$/, 3: /^\$[A-Za-z0-9+/]{43}$/};
	for (const version of VERSIONS) {
		const roomId = await alice.create({room_version: version, preset: 'public_chat'});
		await bob.join(roomId);
		const eventId = await bob.say(roomId, 'extra, extra');
		const form = version === '2' ? forms['1'] : (forms[version] ?? /^\$[\w-]{43}$/);
		t.regex(eventId, form!, version);
		const event = await alice.do<{content: object; sender: string; room_id: string}>(
			'GET',
			`${room(roomId)}/event/${encodeURIComponent(eventId)}`,
		);
		t.deepEqual(event.content, {body: 'extra, extra', msgtype: 'm.text'});
		t.is(event.sender, bob.id);
		t.is(event.room_id, roomId);
	}
});

test('a stranger gets one answer, whether the room is there or not', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	const ask = (id: string) => bob.ask('PUT', `${room(id)}/send/m.room.message/1`, {body: 'psst', msgtype: 'm.text'});
	const [real, unreal] = [await ask(roomId), await ask(noRoom(roomId))];
	t.deepEqual(errorOf(real), errorOf(unreal));
	t.deepEqual([real.status, real.body['errcode']], [403, 'M_FORBIDDEN']);
});

test('E11: a repeated request gets the first one’s event, also at once and after a restart', async (t) => {
	const {app, alice} = await newsroom(t);
	const roomId = await alice.create();
	const path = `${room(roomId)}/send/m.room.message/once`;
	const sent = await Promise.all(
		Array.from({length: 64}, (_, index) => alice.do<Sent>('PUT', path, {body: `take ${index}`, msgtype: 'm.text'})),
	);
	t.is(new Set(sent.map(({event_id: id}) => id)).size, 1);
	const {chunk} = await alice.do<{chunk: {type: string}[]}>('GET', `${room(roomId)}/messages?dir=b&limit=100`);
	t.is(chunk.filter(({type}) => type === 'm.room.message').length, 1);

	await app.application.stop();
	const again = await startApp(t, {config: {data: `${app.directory}/data`}});
	const returned = new Person(again, alice.session);
	const repeated = await returned.do<Sent>('PUT', path, {body: 'take 65', msgtype: 'm.text'});
	t.is(repeated.event_id, sent[0]!.event_id);
	// What the answer says does not depend on what has become of the room.
	await returned.do('POST', `${room(roomId)}/leave`, {});
	t.is((await returned.do<Sent>('PUT', path, {body: 'x', msgtype: 'm.text'})).event_id, sent[0]!.event_id);
});

test('E11: another device, room or type of event makes another request', async (t) => {
	const {app, alice} = await newsroom(t);
	const [one, two] = [await alice.create(), await alice.create()];
	const phone = new Person(app, await login(app, 'alice'));
	const ids = [
		await alice.say(one, 'first', 'txn'),
		await phone.say(one, 'second', 'txn'),
		await alice.say(two, 'third', 'txn'),
		(await alice.do<Sent>('PUT', `${room(one)}/send/m.sticker/txn`, {body: 'fourth'})).event_id,
	];
	t.is(new Set(ids).size, 4);
	// Only the device that sent it is told.
	const seen = async (person: Person) => {
		const path = `${room(one)}/event/${encodeURIComponent(ids[0]!)}`;
		return (await person.do<{unsigned: Record<string, unknown>}>('GET', path)).unsigned['transaction_id'];
	};
	t.deepEqual([await seen(alice), await seen(phone)], ['txn', undefined]);
});

test('A8, A9: what is too large or no event at all is refused, and the room goes on', async (t) => {
	const {alice} = await newsroom(t);
	for (const version of ['1', '5', '6', '12']) {
		const roomId = await alice.create({room_version: version});
		const send = async (body: unknown, type = 'm.room.message', txnId: string = crypto.randomUUID()) => {
			const path = `${room(roomId)}/send/${encodeURIComponent(type)}/${encodeURIComponent(txnId)}`;
			const answer = await alice.ask('PUT', path, body);
			return [answer.status, answer.body['errcode']];
		};
		t.deepEqual(await send({body: 'x'.repeat(65_537)}), [413, 'M_TOO_LARGE'], version);
		t.deepEqual(await send({body: 'é'.repeat(32_700)}), [413, 'M_TOO_LARGE'], version);
		t.deepEqual(await send({}, 'é'.repeat(128)), [413, 'M_TOO_LARGE'], version);
		t.deepEqual(await send([]), [400, 'M_BAD_JSON'], version);
		t.deepEqual(await send('text'), [400, 'M_BAD_JSON'], version);
		t.deepEqual(await send({}, 'm.room.message', 'x'.repeat(300)), [400, 'M_INVALID_PARAM'], version);
		t.deepEqual(await send({}, 'm.room.create'), [400, 'M_BAD_JSON'], version);
		t.is((await send({body: 'still here', msgtype: 'm.text'}))[0], 200, version);
	}
});

test('A1, A2, A3: fractions and long integers make no event where the room version forbids them', async (t) => {
	const {app, alice} = await newsroom(t);
	const send = async (roomId: string, json: string) => {
		const reply = await fetch(`${app.url}/_matrix/client/v3${room(roomId)}/send/m.x/${crypto.randomUUID()}`, {
			method: 'PUT',
			headers: {authorization: `Bearer ${alice.session.access_token}`},
			body: json,
		});
		return [reply.status, ((await reply.json()) as {errcode?: string}).errcode];
	};
	for (const version of ['6', '9', '12']) {
		const roomId = await alice.create({room_version: version});
		for (const number of ['1.0', '1e2', '-0', '0.5', '9007199254740992', '-9007199254740992']) {
			t.deepEqual(await send(roomId, `{"n":${number}}`), [400, 'M_BAD_JSON'], `${version}: ${number}`);
		}
		t.is((await send(roomId, '{"n":9007199254740991}'))[0], 200);
		t.deepEqual(await send(roomId, '{"n":1e400}'), [400, 'M_BAD_JSON']);
		t.deepEqual(await send(roomId, '{"n":NaN}'), [400, 'M_NOT_JSON']);
		t.deepEqual(await send(roomId, '{"n":"\\ud800"}'), [400, 'M_BAD_JSON']);
	}
});

test('A4, A5, A6: NUL, prototypes and characters beyond the BMP survive', async (t) => {
	const {app, alice} = await newsroom(t);
	const roomId = await alice.create();
	const json = '{"body":"a\\u0000b","__proto__":{"x":1},"constructor":"c","～":1,"😀":2}';
	const reply = await fetch(`${app.url}/_matrix/client/v3${room(roomId)}/send/m.room.message/1`, {
		method: 'PUT',
		headers: {authorization: `Bearer ${alice.session.access_token}`},
		body: json,
	});
	const {event_id: eventId} = (await reply.json()) as Sent;
	const answer = await alice.ask('GET', `${room(roomId)}/event/${encodeURIComponent(eventId)}`);
	const {content} = JSON.parse(answer.text) as {content: unknown};
	t.is(JSON.stringify(content), JSON.stringify(JSON.parse(json)));
});

test('the same reaction is taken once, and again after it was redacted', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	const eventId = await alice.say(roomId, 'read this');
	const react = (person: Person, key: string) =>
		person.ask<Sent & {errcode?: string}>('PUT', `${room(roomId)}/send/m.reaction/${crypto.randomUUID()}`, {
			'm.relates_to': {rel_type: 'm.annotation', event_id: eventId, key},
		});
	const first = await react(bob, '👍');
	const second = await react(bob, '👍');
	t.deepEqual([second.status, second.body.errcode], [400, 'M_DUPLICATE_ANNOTATION']);
	t.is((await react(bob, '👎')).status, 200);
	t.is((await react(alice, '👍')).status, 200);
	await bob.do('PUT', `${room(roomId)}/redact/${encodeURIComponent(first.body.event_id)}/1`, {});
	t.is((await react(bob, '👍')).status, 200);
});

test('a thread does not begin at an event that is in one', async (t) => {
	const {alice} = await newsroom(t);
	const roomId = await alice.create();
	const root = await alice.say(roomId, 'root');
	const reply = (eventId: string) =>
		alice.ask<Sent & {errcode?: string}>('PUT', `${room(roomId)}/send/m.room.message/${crypto.randomUUID()}`, {
			body: 'x',
			msgtype: 'm.text',
			'm.relates_to': {rel_type: 'm.thread', event_id: eventId},
		});
	const first = await reply(root);
	t.is(first.status, 200);
	const nested = await reply(first.body.event_id);
	t.deepEqual([nested.status, nested.body.errcode], [400, 'M_UNKNOWN']);
});

test('a suspended person reads, leaves and takes back their own words, and does no more', async (t) => {
	const {app, alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	const [own, other] = [await bob.say(roomId, 'oops'), await alice.say(roomId, 'hm')];
	const {storage} = app.application;
	const batch = storage.batch();
	storage.accounts.setStates(batch, bob.id as never, {isSuspended: true});
	batch.announce({kind: 'account', subject: bob.id});
	await storage.commit(batch);
	const refused = async (method: string, path: string, body: unknown) => {
		const answer = await bob.ask(method, path, body);
		t.deepEqual([answer.status, answer.body['errcode']], [403, 'M_USER_SUSPENDED'], path);
	};
	await refused('PUT', `${room(roomId)}/send/m.room.message/1`, {body: 'x'});
	await refused('PUT', `${room(roomId)}/state/m.room.topic/`, {topic: 'x'});
	await refused('POST', '/createRoom', {});
	await refused('POST', `${room(roomId)}/join`, {});
	await refused('POST', `/knock/${encodeURIComponent(roomId)}`, {});
	await refused('POST', `${room(roomId)}/invite`, {user_id: alice.id});
	await refused('POST', `${room(roomId)}/kick`, {user_id: alice.id});
	t.is((await bob.ask('PUT', `${room(roomId)}/redact/${encodeURIComponent(other)}/2`, {})).status, 403);
	t.is((await bob.ask('PUT', `${room(roomId)}/redact/${encodeURIComponent(own)}/3`, {})).status, 200);
	t.is((await bob.ask('GET', `${room(roomId)}/messages?dir=b`)).status, 200);
	t.is((await bob.ask('POST', `${room(roomId)}/leave`, {})).status, 200);
});
