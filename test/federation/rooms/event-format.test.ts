import test from 'ava';
import {canonicalJson, type JsonObject, type JsonValue, LosslessNumber, readStrictJson} from '../../../crypto/index.ts';
import {
	EVENT_BYTES_MAX,
	hasRightContentHash,
	type Pdu,
	parsePdu,
	type RoomVersionId,
	roomVersion,
	toClientEvent,
} from '../../../federation/rooms/index.ts';
import {alice, allVersions, createTimeline, versionsOf} from './timeline.ts';

function message(version: RoomVersionId, content: JsonObject = {body: 'hello'}): JsonObject {
	return createTimeline({version}).build({type: 'm.room.message', sender: alice, content}).json;
}

/** Gives the fault of an event with some fields replaced, or undefined where it is fine. */
function faultOf(version: RoomVersionId, fields: Record<string, JsonValue | undefined>): string | undefined {
	const json = Object.fromEntries(
		Object.entries({...message(version), ...fields}).filter(([, value]) => value !== undefined),
	) as JsonObject;
	const result = parsePdu(json, version);
	return result.ok ? undefined : `${result.fault.code} ${result.fault.field ?? ''}`.trim();
}

function parse(json: JsonObject, version: RoomVersionId): Pdu {
	const result = parsePdu(json, version);
	if (!result.ok) throw new Error(result.fault.reason);
	return result.pdu;
}

function pairsOrIds(version: RoomVersionId, ids: string[]): JsonValue {
	return roomVersion(version).eventReferences === 'ids' ? ids : ids.map((id) => [id, {sha256: 'x'}]);
}

test('A9: anything but an object is no event', (t) => {
	for (const version of allVersions) {
		for (const value of [undefined, null, 5, 'x', [], true, new LosslessNumber('1.0')]) {
			t.like(parsePdu(value, version), {ok: false, fault: {code: 'form'}});
		}
		t.like(parsePdu({}, version), {ok: false, fault: {code: 'form'}});
	}
});

test('A9: a field that is missing or of another type drops the event and nothing else', (t) => {
	for (const version of allVersions) {
		t.is(faultOf(version, {}), undefined);
		for (const [field, ...wrong] of [
			['type', undefined, 5, null, {}],
			['state_key', 5, null, {}, []],
			['sender', undefined, 5, 'alice', '@alice', '@alice:', '@alice:not a server', alice.toUpperCase()],
			['room_id', undefined, 5, null, 'room', '!', ['!room:one.example']],
			['content', undefined, 'text', [], null, 5],
			['depth', undefined, '5', -1, null, new LosslessNumber('1.0')],
			['origin_server_ts', undefined, '5', null, {}],
			['hashes', undefined, {}, {sha256: 5}, 'x', []],
			['signatures', undefined, 'x', [], {x: 'y'}, {x: {y: 5}}, {x: []}],
			['prev_events', undefined, {}, 'x', [5], [{}], [['$a:b', {}, {}]], [['$a:b', 'x']], [[5, {}]], ['id']],
			['auth_events', undefined, {}, 'x', [5], [{}], [null], [['$a:b']], ['x:y']],
		] as [string, ...(JsonValue | undefined)[]][]) {
			for (const value of wrong) {
				// Upper-case sigils and letters are another, legal user.
				if (value === alice.toUpperCase()) continue;
				const fault = faultOf(version, {[field]: value});
				const isJsonFault = fault === 'json' && value instanceof LosslessNumber;
				t.true(fault === `form ${field}` || isJsonFault, `${version} ${field} ${JSON.stringify(value)}: ${fault}`);
			}
		}
	}
});

test('A9: references have the shape of the room version', (t) => {
	for (const version of allVersions) {
		const isOld = versionsOf('1-2').includes(version);
		t.is(faultOf(version, {prev_events: ['$a:one.example']}), isOld ? 'form prev_events' : undefined);
		t.is(faultOf(version, {prev_events: [['$a:one.example', {sha256: 'x'}]]}), isOld ? undefined : 'form prev_events');
	}
});

const ids = (count: number) => Array.from({length: count}, (_, index) => `$${index}:one.example`);

test('A9: an event names at most 20 previous and 10 auth events, except in backfill', (t) => {
	for (const version of allVersions) {
		t.is(faultOf(version, {prev_events: pairsOrIds(version, ids(20))}), undefined);
		t.is(faultOf(version, {prev_events: pairsOrIds(version, ids(21))}), 'form prev_events');
		t.is(faultOf(version, {auth_events: pairsOrIds(version, ids(10))}), undefined);
		t.is(faultOf(version, {auth_events: pairsOrIds(version, ids(11))}), 'form auth_events');
		t.is(faultOf(version, {prev_events: pairsOrIds(version, ids(10_000))}), 'form prev_events');
		const many = {
			...message(version),
			prev_events: pairsOrIds(version, ids(21)),
			auth_events: pairsOrIds(version, ids(11)),
		};
		t.true(parsePdu(many, version, {allowManyReferences: true}).ok);
	}
});

test('A8: a long text is measured in bytes', (t) => {
	const long = 'é'.repeat(128);
	const short = `${'é'.repeat(127)}x`;
	for (const version of allVersions) {
		t.is(faultOf(version, {type: long}), 'size type');
		t.is(faultOf(version, {type: short}), undefined);
		t.is(faultOf(version, {state_key: long}), 'size state_key');
		t.is(faultOf(version, {state_key: short}), undefined);
		t.is(faultOf(version, {sender: `@${'é'.repeat(122)}:one.example`}), 'form sender');
		t.is(faultOf(version, {sender: `@${'é'.repeat(121)}:one.example`}), undefined);
		t.is(faultOf(version, {room_id: `!${'é'.repeat(122)}:one.example`}), 'form room_id');
	}
	t.is(faultOf('1', {event_id: `$${'é'.repeat(122)}:one.example`}), 'form event_id');
	t.is(faultOf('1', {event_id: undefined}), 'form event_id');
	t.is(faultOf('2', {event_id: 5}), 'form event_id');
});

test('A8: the whole event has at most 65,536 bytes, signatures counted and unsigned not', (t) => {
	for (const version of ['1', '5', '12'] as const) {
		const spare = EVENT_BYTES_MAX - Buffer.byteLength(canonicalJson(message(version, {body: ''})));
		const largest = {...message(version, {body: ''}), content: {body: 'x'.repeat(spare)}};
		t.is(Buffer.byteLength(canonicalJson(largest)), EVENT_BYTES_MAX);
		t.is(faultOf(version, largest), undefined);
		t.is(faultOf(version, {...largest, unsigned: {age: 5}}), undefined);
		t.is(faultOf(version, {...largest, signatures: {'one.example': {}}}), 'size');
		t.is(faultOf(version, {...largest, content: {body: 'x'.repeat(spare + 1)}}), 'size');
		t.is(faultOf(version, {...largest, content: {body: 'é'.repeat(spare / 2 + 1)}}), 'size');
	}
});

test('A2, A3: from room version 6 on all numbers are integers in range; before, any are', (t) => {
	for (const version of allVersions) {
		const isStrict = versionsOf('6-12').includes(version);
		for (const text of ['1.0', '1e2', '-0', '9007199254740992', '-9007199254740992', '9223372036854775808']) {
			const content = readStrictJson(`{"deep": [{"number": ${text}}]}`);
			t.is(faultOf(version, {content}), isStrict ? 'json' : undefined, `${version} ${text}`);
		}
		t.is(faultOf(version, {content: {number: 9007199254740991, least: -9007199254740991}}), undefined);
		t.is(faultOf(version, {content: {number: new LosslessNumber('1e999')}}), 'json');
	}
});

test('A3: depth ends where the room version says, and counts as 2^53-1 beyond', (t) => {
	for (const version of allVersions) {
		const isStrict = versionsOf('6-12').includes(version);
		t.is(parse({...message(version), depth: 9007199254740991}, version).depth, 9007199254740991);
		t.is(faultOf(version, {depth: new LosslessNumber('9223372036854775808')}), isStrict ? 'json' : 'form depth');
		t.is(faultOf(version, {depth: new LosslessNumber('9'.repeat(10_000))}), isStrict ? 'json' : 'form depth');
		if (isStrict) continue;
		const deepest = {...message(version), depth: new LosslessNumber('9223372036854775807')};
		t.is(parse(deepest, version).depth, Number.MAX_SAFE_INTEGER);
	}
});

test('A7: nesting that no reader lets in is refused, not a crash', (t) => {
	let deep: JsonValue = [];
	for (let level = 0; level < 5_000; level += 1) deep = [deep];
	for (const version of allVersions) t.is(faultOf(version, {content: {deep}}), 'json');
});

test('A13: what the sender may not say of an event is taken off it', (t) => {
	for (const version of allVersions) {
		const honest = parse(message(version), version);
		const unsigned = {age: 5, redacted_because: {type: 'm.room.redaction'}, prev_content: {}, membership: 'join'};
		const spoofed = parse({...honest.json, unsigned, age_ts: 5}, version);
		t.deepEqual(spoofed, honest);
		t.true(hasRightContentHash(spoofed.json));
		if (versionsOf('3-12').includes(version)) {
			t.deepEqual(parse({...honest.json, event_id: '$other:one.example'}, version), honest);
		}
	}
});

test('A13: what a sender puts beside the known fields is no word of ours to clients', (t) => {
	const lies = {
		event_id: '$lie',
		age: 1,
		redacted_because: {},
		prev_content: {},
		replaces_state: '$lie',
		user_id: '@lie:x',
		origin: 'lie.example',
		redacts: '$lie:one.example',
	};
	for (const version of versionsOf('3-12')) {
		const pdu = parse({...message(version), ...lies}, version);
		t.deepEqual(Object.keys(toClientEvent(pdu)).toSorted(), [
			'content',
			'event_id',
			'origin_server_ts',
			'room_id',
			'sender',
			'type',
		]);
		t.is(toClientEvent(pdu)['event_id'], pdu.eventId);
	}
});

test('A11: malformed content of a membership or create event is still an event', (t) => {
	for (const version of allVersions) {
		for (const [type, content] of [
			['m.room.member', {membership: 5, displayname: 7, avatar_url: {}}],
			['m.room.member', {}],
			['m.room.create', {predecessor: 'x', creator: 5, room_version: [], additional_creators: 'x'}],
			['m.room.power_levels', {users: [], ban: 'x'}],
			['m.room.join_rules', {join_rule: {}, allow: 5}],
		] as [string, JsonObject][]) {
			t.is(faultOf(version, {type, state_key: '', content}), undefined);
		}
	}
});

test('a redaction whose target is no event id names none', (t) => {
	for (const version of allVersions) {
		const isTopLevel = versionsOf('1-10').includes(version);
		const redaction = {...message(version), type: 'm.room.redaction'};
		const at = (redacts: JsonValue) => (isTopLevel ? {...redaction, redacts} : {...redaction, content: {redacts}});
		t.is(parse(at('$a:one.example'), version).redacts as string, '$a:one.example');
		t.is(parse(at('nothing'), version).redacts, undefined);
		t.is(parse(redaction, version).redacts, undefined);
		t.is(parsePdu(at(5), version).ok, !isTopLevel);
		const elsewhere = isTopLevel
			? {...redaction, content: {redacts: '$a:one.example'}}
			: {...redaction, redacts: '$a:one.example'};
		t.is(parse(elsewhere, version).redacts, undefined);
	}
});

test('A4: keys named like parts of every object stay plain keys', (t) => {
	const text = '{"__proto__": {"membership": "join"}, "constructor": 1, "toString": {}}';
	for (const version of allVersions) {
		const json = {...message(version), content: readStrictJson(text)} as JsonObject;
		const {content} = parse(json, version);
		t.is(content['membership'], undefined);
		t.is(canonicalJson(content), '{"__proto__":{"membership":"join"},"constructor":1,"toString":{}}');
		const top = readStrictJson(`{"__proto__": {"type": "x"}, ${canonicalJson(message(version)).slice(1)}`);
		t.is(Object.getPrototypeOf(parse(top as JsonObject, version).json), Object.prototype);
		t.true(canonicalJson(parse(top as JsonObject, version).json).includes('__proto__'));
	}
});
