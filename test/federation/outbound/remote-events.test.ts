import test from 'ava';
import {
	type EventId,
	generateSigningKey,
	type JsonObject,
	type JsonValue,
	type RoomId,
	type ServerName,
	type SigningKey,
} from '../../../crypto/index.ts';
import {UNKNOWN_KEY} from '../../../federation/engine/index.ts';
import {
	createRemoteEvents,
	createSignatureChecker,
	type FederationRequest,
	OutboundError,
	RemoteError,
} from '../../../federation/outbound/index.ts';
import {type Pdu, parsePdu, signPdu} from '../../../federation/rooms/index.ts';

const server = 'them.example' as ServerName;
const roomId = '!room:them.example' as RoomId;
const eventId = `$${'a'.repeat(43)}` as EventId;

function createWorld(answer: JsonValue | Error) {
	const requests: FederationRequest[] = [];
	const remote = createRemoteEvents({
		request(request) {
			requests.push(request);
			return answer instanceof Error
				? Promise.reject(answer)
				: Promise.resolve({status: 200, headers: {}, body: answer});
		},
	});
	return {remote, requests};
}

test('each question is the request that the specification says', async (t) => {
	const {remote, requests} = createWorld({pdus: [], events: [], pdu_ids: [], auth_chain_ids: [], auth_chain: []});
	await remote.getEvent(server, eventId);
	await remote.getMissingEvents(server, roomId, {earliest: [], latest: [eventId], limit: 10, minDepth: 0});
	await remote.getStateIds(server, roomId, eventId);
	await remote.getState(server, roomId, eventId);
	await remote.getEventAuth(server, roomId, eventId);
	await remote.backfill(server, roomId, [eventId, eventId], 5);
	await remote.findByTime(server, roomId, 7, 'backwards');
	const room = '!room%3Athem.example';
	t.deepEqual(
		requests.map(({method, path, query, body}) => [method, path, ...(query ? [query] : []), ...(body ? [body] : [])]),
		[
			['GET', `/_matrix/federation/v1/event/%24${'a'.repeat(43)}`],
			[
				'POST',
				`/_matrix/federation/v1/get_missing_events/${room}`,
				{earliest_events: [], latest_events: [eventId], limit: 10, min_depth: 0},
			],
			['GET', `/_matrix/federation/v1/state_ids/${room}`, {event_id: eventId}],
			['GET', `/_matrix/federation/v1/state/${room}`, {event_id: eventId}],
			['GET', `/_matrix/federation/v1/event_auth/${room}/%24${'a'.repeat(43)}`],
			['GET', `/_matrix/federation/v1/backfill/${room}`, {v: [eventId, eventId], limit: 5}],
			['GET', `/_matrix/federation/v1/timestamp_to_event/${room}`, {ts: 7, dir: 'b'}],
		] as unknown[],
	);
});

test('what is no event or id is left out, what is no list is a bad answer', async (t) => {
	const {remote} = createWorld({
		pdus: [{type: 'a'}, null, 5, [], 'x'],
		pdu_ids: [eventId, 5, '$', null],
		auth_chain_ids: [eventId],
	});
	t.deepEqual(await remote.backfill(server, roomId, [eventId], 5), [{type: 'a'}]);
	t.deepEqual(await remote.getStateIds(server, roomId, eventId), {state: [eventId], authChain: [eventId]});
	for (const answer of [null, [], {}, {pdus: {}, auth_chain: 5}, {pdus: null}]) {
		const {remote: bad} = createWorld(answer as JsonValue);
		await t.throwsAsync(bad.getState(server, roomId, eventId), {instanceOf: OutboundError});
	}
});

function error(status: number): RemoteError {
	return new RemoteError({status, errcode: undefined, retryAfterMs: undefined, roomVersion: undefined});
}

test('an event that the server does not have is absent, any other error is one', async (t) => {
	t.is(await createWorld(error(404)).remote.getEvent(server, eventId), undefined);
	await t.throwsAsync(createWorld(error(403)).remote.getEvent(server, eventId), {instanceOf: RemoteError});
});

const SENDER_TS = Date.UTC(2026, 0, 1);

function createEvent(key: SigningKey, changes: JsonObject = {}, version: '4' | '10' = '10'): Pdu {
	const json: JsonObject = {
		type: 'm.room.message',
		room_id: roomId,
		sender: '@a:them.example',
		content: {body: 'x'},
		depth: 1,
		origin_server_ts: SENDER_TS,
		prev_events: [],
		auth_events: [],
		hashes: {sha256: 'A'.repeat(43)},
		signatures: {},
		...changes,
	};
	const parsed = parsePdu(json, version);
	if (!parsed.ok) throw new Error(parsed.fault.reason);
	return signPdu(parsed.pdu, server, key);
}

test('an event counts as signed only with a known key, valid at its time, over the event as it is', async (t) => {
	const [key, other] = [generateSigningKey({version: '1'}), generateSigningKey({version: '1'})];
	const asked: (number | 'any')[] = [];
	const checker = createSignatureChecker({
		findVerifyKey({server: name, keyId, validAt}) {
			asked.push(validAt);
			const isKnown = name === server && keyId === key.keyId && (validAt === 'any' || validAt <= SENDER_TS);
			return Promise.resolve(isKnown ? key.publicKey : undefined);
		},
	});
	const judge = async (pdu: Pdu): Promise<boolean> => (await checker.check(pdu)).allowed;
	const event = createEvent(key);
	t.true(await judge(event));
	t.true(await judge({...event, json: {...event.json, content: {body: 'redacted or not'}}}));
	t.false(await judge({...event, json: {...event.json, origin_server_ts: 1}}));
	t.false(await judge(createEvent(other)));
	t.false(await judge(createEvent(key, {sender: '@a:other.example'})));
	t.false(await judge(createEvent(key, {origin_server_ts: SENDER_TS + 1})));
	t.true(
		await judge(createEvent(key, {origin_server_ts: SENDER_TS + 1}, '4')),
		'up to version 4 validity is not looked at',
	);
	t.deepEqual(new Set(asked), new Set([SENDER_TS, SENDER_TS + 1, 'any']));
	const unsigned = {...event, signatures: {}, json: {...event.json, signatures: {}}};
	t.false(await judge(unsigned));
});

test('A10: what is no signature in form is refused for good, and no key is asked for', async (t) => {
	const key = generateSigningKey({version: '1'});
	let asked = 0;
	const checker = createSignatureChecker({findVerifyKey: () => Promise.resolve(void (asked += 1))});
	const event = createEvent(key);
	const [[keyId, right] = ['', '']] = Object.entries(event.signatures[server] ?? {});
	const signedAs = (name: string, signature: JsonValue) => {
		const signatures = {[server]: {[name]: signature}} as unknown as Pdu['signatures'];
		return checker.check({
			...event,
			signatures,
			json: {...event.json, signatures},
		});
	};
	const odd = ['', ' ', '\u0000', '__proto__', 5, null, [], right.slice(0, -1), ` ${right}`, `${right}=`, `${right}A`];
	for (const signature of odd) {
		const verdict = await signedAs(keyId, signature);
		t.false(verdict.allowed, String(signature));
		t.not((verdict as {rule?: string}).rule, UNKNOWN_KEY, String(signature));
	}
	for (const name of ['ed25519:', 'ed25519:a b', 'ed25519:../x', 'rsa:1']) {
		t.not(((await signedAs(name, right)) as {rule?: string}).rule, UNKNOWN_KEY, name);
	}
	t.is(asked, 0);
	// The right form with a key that is not to be had: it may be had tomorrow.
	t.is(((await signedAs(keyId, right)) as {rule?: string}).rule, UNKNOWN_KEY);
});

test('C7: a restricted join must also be signed by the server that authorised it', async (t) => {
	const [key, authoriser] = [generateSigningKey({version: '1'}), generateSigningKey({version: '2'})];
	const checker = createSignatureChecker({
		findVerifyKey: ({server: name}) => Promise.resolve((name === server ? key : authoriser).publicKey),
	});
	const join = createEvent(key, {
		type: 'm.room.member',
		state_key: '@a:them.example',
		content: {membership: 'join', join_authorised_via_users_server: '@b:other.example'},
	});
	t.false((await checker.check(join)).allowed);
	t.true((await checker.check(signPdu(join, 'other.example' as ServerName, authoriser))).allowed);
	t.false((await checker.check(signPdu(join, 'other.example' as ServerName, key))).allowed);
});

test('an event by its time is an id and a time, or nothing', async (t) => {
	const good = {event_id: eventId, origin_server_ts: 5};
	t.deepEqual(await createWorld(good).remote.findByTime(server, roomId, 1, 'forwards'), {eventId, originServerTs: 5});
	for (const answer of [
		{},
		{...good, event_id: 'x'},
		{...good, origin_server_ts: '5'},
		{...good, origin_server_ts: 0.5},
	]) {
		t.is(await createWorld(answer).remote.findByTime(server, roomId, 1, 'forwards'), undefined);
	}
});
