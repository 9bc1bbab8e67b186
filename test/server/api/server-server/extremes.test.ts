/** Rows A3, A8, A10, A11 and A13 of the list of threats, as another server meets us with them. */
import test from 'ava';
import {canonicalJson, type JsonObject, type JsonValue, readStrictJson, signJson} from '../../../../crypto/index.ts';
import {contentHash, redactJson, toFederationEvent} from '../../../../federation/rooms/index.ts';
import {call, type KnownRoom, path, type SignedPeer, until} from '../../../harness/index.ts';
import {bodies, hear, say, startShared, timeline} from './world.ts';

const DEPTH_MAX = Number.MAX_SAFE_INTEGER;

/** Changes an event as its own server could have made it: with the right hash and signature. */
function remake(peer: SignedPeer, room: KnownRoom, json: JsonObject, change: JsonObject): JsonObject {
	const {hashes: _hashes, signatures: _signatures, ...made} = {...json, ...change};
	const hashed = {...made, hashes: {sha256: contentHash(made)}};
	const {signatures} = signJson(redactJson(room.version, hashed), peer.name, peer.key);
	return {...hashed, signatures};
}

for (const version of ['6', '11', '12']) {
	test(`A3: behind an event of the greatest depth a room of version ${version} goes on, and is read whole`, async (t) => {
		const host = await startShared(t, {version});
		const {app, alice, peer, room, roomId, bob} = host;
		peer.answer = ({url}) => (url.startsWith('/_matrix/federation/v1/send/') ? {body: {pdus: {}}} : undefined);
		await say(host, roomId, 'one');
		await peer.send('t1', [toFederationEvent(peer.message(room, bob, 'deep', {depth: DEPTH_MAX}))]);
		await hear(host, roomId, 'deep');
		const {event_id: two} = await say(host, roomId, 'two');
		const sent = await until(
			() =>
				peer.requests
					.filter(({url}) => url.startsWith('/_matrix/federation/v1/send/'))
					.flatMap(({body}) => (JSON.parse(body.toString()) as {pdus: JsonObject[]}).pdus)
					.find(({content}) => (content as JsonObject)['body'] === 'two'),
			'the event that follows',
		);
		t.is(sent['depth'], DEPTH_MAX);
		room.extremities = [two] as typeof room.extremities;
		await peer.send('t2', [toFederationEvent(peer.message(room, bob, 'three', {depth: DEPTH_MAX}))]);
		await hear(host, roomId, 'three');
		const said = ['one', 'deep', 'two', 'three'];
		t.deepEqual(await bodies(host, roomId), said);

		const read: (string | undefined)[] = [];
		for (let from: string | undefined = ''; from !== undefined; ) {
			const uri = `/_matrix/client/v3/rooms/${path(roomId)}/messages?dir=b&limit=1${from && `&from=${from}`}`;
			const page: {chunk: {content: {body?: string}}[]; end?: string} = await call(app, 'GET', uri, {
				token: alice.access_token,
			});
			read.push(...page.chunk.map(({content}) => content.body));
			from = page.end;
		}
		t.deepEqual(read.filter((body) => body !== undefined).toReversed(), said);
		const {body: past} = await peer.request<{pdus: {content: {body?: string}}[]}>(
			'GET',
			`/_matrix/federation/v1/backfill/${path(roomId)}?v=${path(room.extremities[0] ?? '')}&limit=10`,
		);
		const known = past.pdus.map(({content}) => content.body).filter((body) => body !== undefined);
		t.deepEqual(known.toSorted(), said.toSorted());
	});
}

test('A3: a depth that no event can have costs the event, and the room goes on', async (t) => {
	const host = await startShared(t);
	const {peer, room, roomId, bob} = host;
	const raw = [
		'9007199254740992',
		'18446744073709551616',
		'-9007199254740992',
		'1e3',
		'12.0',
		'-0',
		'-1',
		'"12"',
		'null',
		'[12]',
	];
	const proto = toFederationEvent(peer.build(room, {type: 'm.room.message', sender: bob, content: {body: 'odd'}}));
	const odd = raw.map((depth) => remake(peer, room, proto, {depth: readStrictJson(depth)}));
	const pdus = [...odd, toFederationEvent(peer.message(room, bob, 'good'))];
	// Each depth as it is written, which the canonical form of the body would not keep.
	const [before, ...after] = canonicalJson({pdus: pdus.map((pdu) => ({...pdu, depth: 'DEPTH'}))}).split('"DEPTH"');
	const text = after.reduce((made, rest, index) => `${made}${raw[index] ?? room.depth}${rest}`, before ?? '');
	const {status} = await peer.request('PUT', '/_matrix/federation/v1/send/t1', {text});
	t.is(status, 200);
	await hear(host, roomId, 'good');
	t.deepEqual(await bodies(host, roomId), ['good']);
});

test('A8: what is too long in bytes costs the event, however few its characters are', async (t) => {
	const host = await startShared(t);
	const {peer, room, roomId, bob} = host;
	const proto = toFederationEvent(peer.build(room, {type: 'm.room.message', sender: bob, content: {body: 'odd'}}));
	const long = 'ü'.repeat(128);
	const changes: JsonObject[] = [
		{content: {body: 'x'.repeat(65_536)}},
		{content: {body: '😀'.repeat(16_384)}},
		{type: long},
		{type: 'm.some.state', state_key: long},
		{sender: `@${'a'.repeat(256 - peer.name.length)}:${peer.name}`},
		{['k'.repeat(65_000)]: 'x'.repeat(600)},
	];
	const odd = changes.map((change) => remake(peer, room, proto, change));
	const before = (await timeline(host, roomId)).length;
	const {status} = await peer.send('t1', [...odd, toFederationEvent(peer.message(room, bob, 'good'))]);
	t.is(status, 200);
	await hear(host, roomId, 'good');
	t.is((await timeline(host, roomId)).length, before + 1);
	// What just fits is taken.
	const fits = remake(peer, room, toFederationEvent(peer.build(room, {type: 'm.some', sender: bob, content: {}})), {
		type: 'ü'.repeat(127),
	});
	await peer.send('t2', [fits]);
	await until(async () => (await timeline(host, roomId)).some(({type}) => type === 'ü'.repeat(127)), 'the event');
});

test('A10: a signature counts as it is written by the specification, padded or not, and in no other form', async (t) => {
	const host = await startShared(t);
	const {peer, room, roomId, bob} = host;
	let json: JsonObject;
	let sig: string;
	do {
		json = toFederationEvent(peer.build(room, {type: 'm.room.message', sender: bob, content: {body: 'odd'}}));
		json = remake(peer, room, json, {origin_server_ts: Date.now() + Math.floor(Math.random() * 1_000)});
		sig = (json['signatures'] as Record<string, Record<string, string>>)[peer.name]?.[peer.key.keyId] ?? '';
	} while (!/[+/]/u.test(sig));
	const last = String.fromCodePoint((sig.codePointAt(85) ?? 0) + 1);
	const forms = [
		`${sig}=`,
		`${sig}===`,
		` ${sig}`,
		`${sig}\n`,
		`${sig.slice(0, 40)} ${sig.slice(40)}`,
		sig.replaceAll('+', '-').replaceAll('/', '_'),
		`${sig.slice(0, 85)}${last}`,
	];
	const odd = forms.map((form) => ({...json, signatures: {[peer.name]: {[peer.key.keyId]: form}}}));
	for (const [index, pdu] of odd.entries()) t.is((await peer.send(`t${index}`, [pdu])).status, 200);
	await peer.send('good', [toFederationEvent(peer.message(room, bob, 'good'))]);
	await hear(host, roomId, 'good');
	t.deepEqual(await bodies(host, roomId), ['good']);
	// It was the form, and nothing else.
	const padded = {...json, signatures: {[peer.name]: {[peer.key.keyId]: `${sig}==`}}};
	await peer.send('right', [padded]);
	await hear(host, roomId, 'odd');
});

test('A11: what another server’s members and names hold costs nobody an answer', async (t) => {
	const host = await startShared(t, {version: '10'});
	const {app, alice, peer, room, roomId, bob} = host;
	const levels = `/_matrix/client/v3/rooms/${path(roomId)}/state/m.room.power_levels/`;
	await call(app, 'PUT', levels, {
		token: alice.access_token,
		body: {users: {[alice.user_id]: 100}, state_default: 0, events_default: 0, users_default: 0},
	});
	const rejoined = await peer.join(roomId, peer.userId('carol'));
	for (const [key, pdu] of rejoined.state) room.state.set(key, pdu);
	room.extremities = rejoined.extremities;
	room.depth = rejoined.depth;
	const state = (type: string, content: JsonObject, stateKey = '') =>
		toFederationEvent(peer.append(room, {type, sender: bob, stateKey, content}));
	const oddities: JsonValue[] = [5, [null], {a: 1}, true, null, 'x'.repeat(10_000), '\0'];
	const pdus = oddities.flatMap((odd) => [
		state('m.room.member', {membership: 'join', displayname: odd, avatar_url: odd, reason: odd, is_direct: odd}, bob),
		state('m.room.name', {name: odd}),
		state('m.room.topic', {topic: odd, 'm.topic': odd}),
		state('m.room.avatar', {url: odd, info: odd}),
		state('m.room.canonical_alias', {alias: odd, alt_aliases: odd}),
		state('m.room.guest_access', {guest_access: odd}),
		state('m.room.pinned_events', {pinned: odd}),
		state('m.room.tombstone', {replacement_room: odd, body: odd}),
		state('m.space.child', {via: odd, order: odd, suggested: odd}, '!child:a.example'),
	]);
	for (let at = 0; at < pdus.length; at += 50) await peer.send(`t${at}`, pdus.slice(at, at + 50));
	await peer.send('good', [toFederationEvent(peer.message(room, bob, 'good'))]);
	await hear(host, roomId, 'good');
	const has = (await timeline(host, roomId)).filter(({type}) => type === 'm.room.canonical_alias').length;
	t.is(has, oddities.length, 'all of them were taken');
	for (const uri of [
		'/_matrix/client/v3/sync',
		`/_matrix/client/v3/rooms/${path(roomId)}/members`,
		`/_matrix/client/v3/rooms/${path(roomId)}/joined_members`,
		`/_matrix/client/v3/rooms/${path(roomId)}/state`,
		'/_matrix/client/v3/publicRooms',
	]) {
		const {status} = await fetch(app.url + uri, {headers: {authorization: `Bearer ${alice.access_token}`}});
		t.is(status, 200, uri);
	}
	const sliding = {lists: {all: {ranges: [[0, 9]], timeline_limit: 20, required_state: [['*', '*']]}}};
	const {status} = await fetch(`${app.url}/_matrix/client/unstable/org.matrix.simplified_msc3575/sync?timeout=0`, {
		method: 'POST',
		headers: {authorization: `Bearer ${alice.access_token}`, 'content-type': 'application/json'},
		body: JSON.stringify(sliding),
	});
	t.is(status, 200);
});

test('A13: keys that any server on the way could have written are taken off an event', async (t) => {
	const host = await startShared(t);
	const {app, alice, peer, room, roomId, bob} = host;
	const pdu = peer.message(room, bob, 'hello');
	const spoofed = {
		...toFederationEvent(pdu),
		event_id: '$another',
		age_ts: 5,
		age: 7,
		redacted_because: {type: 'm.room.redaction'},
		unsigned: {redacted_by: '$x', prev_content: {body: 'never said'}, replaces_state: '$y', age: 9_000_000_000},
	};
	await peer.send('t1', [spoofed]);
	await until(async () => (await timeline(host, roomId)).some(({event_id: id}) => id === pdu.eventId), 'the event');
	const uri = `/_matrix/client/v3/rooms/${path(roomId)}/event/${path(pdu.eventId)}`;
	const shown = await call<JsonObject & {unsigned?: JsonObject}>(app, 'GET', uri, {token: alice.access_token});
	t.is(shown['event_id'], pdu.eventId);
	for (const key of ['age_ts', 'age', 'redacted_because']) t.false(Object.hasOwn(shown, key), key);
	for (const key of ['redacted_by', 'prev_content', 'replaces_state', 'redacted_because']) {
		t.false(Object.hasOwn(shown.unsigned ?? {}, key), key);
	}
	t.true(Number(shown.unsigned?.['age'] ?? 0) < 9_000_000_000);
	const {body} = await peer.request<{pdus: JsonObject[]}>('GET', `/_matrix/federation/v1/event/${path(pdu.eventId)}`);
	for (const key of ['event_id', 'age_ts']) t.false(Object.hasOwn(body.pdus[0] ?? {}, key), key);
});
