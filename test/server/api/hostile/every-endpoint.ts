/** Every endpoint with a request that it takes: for tests that send the same odd things to all of them. */
import {routeTables} from '../../../../server/api/index.ts';
import type {Route} from '../../../../server/http/index.ts';
import type {Services} from '../../../../server/services.ts';
import type {Schema} from '../../../../server/validation/index.ts';

/** One endpoint of one API. */
export type Endpoint = Route<Services>;

/** Lists the endpoints that a listener for this group serves. */
export function endpointsOf(serves: 'client' | 'admin' | 'federation'): readonly Endpoint[] {
	return routeTables.filter((table) => table.serves === serves).flatMap(({routes}) => routes);
}

/** What stands for the parameters of paths, by name; and for ids in bodies. */
export type Names = Readonly<Record<string, string>>;

/** Names that mean something to every server; rooms, people and events are for the test to add. */
const plainNames: Names = {
	authType: 'm.login.dummy',
	eventType: 'm.room.message',
	fileName: 'a.txt',
	filterId: '0',
	keyName: 'displayname',
	kind: 'override',
	mediaId: 'nosuchmedia',
	receiptType: 'm.read',
	ruleId: '.m.rule.master',
	serverName: 'news.example',
	stateKey: 'key',
	tag: 'u.tag',
	type: 'org.example.type',
};

const nameOf = (names: Names, name: string): string => names[name] ?? plainNames[name] ?? 'x';

/** Writes the path of an endpoint with these names in it. */
export function pathOf(endpoint: Endpoint, names: Names): string {
	return endpoint.path.replaceAll(/:(\w+)/gu, (_, name: string) => encodeURIComponent(nameOf(names, name)));
}

/** Gives the parameters of a query that an endpoint cannot do without. */
export function queryOf({query}: Endpoint, names: Names): URLSearchParams {
	const search = new URLSearchParams();
	for (const [key, {kind, expected, isOptional}] of Object.entries(query?.shape ?? {})) {
		if (isOptional) continue;
		const choice = /^one of "(\w+)"/u.exec(expected)?.[1];
		search.set(key, choice ?? (kind === 'integer' ? '1' : nameOf(names, key)));
	}
	return search;
}

/** Writes path and query of an endpoint. */
export function uriOf(endpoint: Endpoint, names: Names): string {
	const query = queryOf(endpoint, names).toString();
	return pathOf(endpoint, names) + (query && `?${query}`);
}

/** Lists the names of the parameters of an endpoint's path. */
export const parametersOf = ({path}: Endpoint): string[] => path.match(/(?<=:)\w+/gu) ?? [];

const backedUp = {first_message_index: 1, forwarded_count: 0, is_verified: true, session_data: {ciphertext: 'x'}};

/** Bodies of endpoints whose schema does not say all that they read; the rest of the form is checked by the domain. */
const deepBodies: Readonly<Record<string, (names: Names) => object>> = {
	claimKeys: ({userId}) => ({one_time_keys: {[userId!]: {DEVICE: 'signed_curve25519'}}}),
	createRoom: ({userId}) => ({
		initial_state: [{type: 'm.room.topic', state_key: '', content: {topic: 'x'}}],
		creation_content: {'m.federate': true},
		power_level_content_override: {users: {[userId!]: 100}, events: {'m.room.name': 50}},
		invite: ['@nobody:news.example'],
		invite_3pid: [],
		name: 'x',
		topic: 'x',
		preset: 'private_chat',
		room_version: '12',
		is_direct: true,
	}),
	// Long, so that nothing is sent while a test looks.
	scheduleDelayedEvent: () => ({delay_ms: 86_400_000, content: {body: 'x'}}),
	defineFilter: () => ({
		event_fields: ['content.body'],
		presence: {types: ['*'], limit: 3},
		room: {rooms: ['!a:b'], timeline: {limit: 5, types: ['m.*'], not_senders: ['@a:b'], contains_url: true}},
	}),
	deactivateAccount: () => ({auth: {type: 'm.login.password', identifier: {type: 'm.id.user', user: 'x'}}}),
	login: () => ({
		type: 'm.login.password',
		identifier: {type: 'm.id.user', user: 'nobody'},
		password: 'x',
		device_id: 'D',
		initial_device_display_name: 'x',
	}),
	postDehydratedEvents: () => ({}),
	postReceipt: () => ({thread_id: 'main'}),
	postRoomKeysVersion: () => ({
		algorithm: 'm.megolm_backup.v1.curve25519-aes-sha2',
		auth_data: {public_key: 'a', signatures: {}},
	}),
	putDehydratedDevice: ({userId}) => ({
		device_id: 'DEHYDRATED',
		device_data: {algorithm: 'x', pickle: 'y'},
		device_keys: {
			user_id: userId,
			device_id: 'DEHYDRATED',
			algorithms: [],
			keys: {'ed25519:DEHYDRATED': 'a'},
			signatures: {},
		},
		one_time_keys: {'signed_curve25519:AAAA': {key: 'a', signatures: {}}},
	}),
	putRoomKeys: ({roomId}) => ({rooms: {[roomId!]: {sessions: {s: backedUp}}}}),
	putRoomKeysByRoomId: () => ({sessions: {s: backedUp}}),
	putRoomKeysVersion: ({version}) => ({
		algorithm: 'm.megolm_backup.v1.curve25519-aes-sha2',
		auth_data: {public_key: 'b'},
		version,
	}),
	queryKeys: ({userId}) => ({timeout: 100, device_keys: {[userId!]: ['DEVICE']}}),
	redactEvent: () => ({reason: 'x'}),
	register: () => ({username: 'x!', password: 'x', auth: {type: 'm.login.dummy', session: 'x'}}),
	sendMessage: () => ({
		msgtype: 'm.text',
		body: 'x',
		'm.relates_to': {rel_type: 'm.thread', event_id: '$x', 'm.in_reply_to': {event_id: '$x'}, key: 'k'},
		'm.mentions': {user_ids: ['@a:b'], room: true},
	}),
	sendToDevice: ({userId}) => ({messages: {[userId!]: {'*': {algorithm: 'x', n: 1}}}}),
	setProfileField: () => ({displayname: 'x'}),
	setPushRule: () => ({
		actions: ['notify', {set_tweak: 'sound', value: 'default'}],
		conditions: [
			{kind: 'event_match', key: 'content.body', pattern: 'x*'},
			{kind: 'room_member_count', is: '2'},
			{kind: 'event_property_is', key: 'a', value: 1},
		],
		pattern: 'x',
	}),
	setPushRuleActions: () => ({actions: ['notify', {set_tweak: 'highlight'}]}),
	setRoomStateWithKey: () => ({displayname: 'x', membership: 'join', aliases: ['#a:b'], users: {'@a:b': 1}}),
	upgradeRoom: () => ({new_version: '12', additional_creators: ['@nobody:news.example']}),
	uploadCrossSigningKeys: ({userId}) => ({
		master_key: {
			user_id: userId,
			usage: ['master'],
			keys: {'ed25519:a': 'a'},
			signatures: {[userId!]: {'ed25519:a': 'a'}},
		},
	}),
	uploadCrossSigningSignatures: ({userId}) => ({
		[userId!]: {DEVICE: {user_id: userId, device_id: 'DEVICE', keys: {}, signatures: {[userId!]: {'ed25519:a': 'a'}}}},
	}),
	uploadKeys: ({userId}) => ({
		device_keys: {
			user_id: userId,
			device_id: 'DEVICE',
			algorithms: ['m.olm'],
			keys: {'ed25519:DEVICE': 'a', 'curve25519:DEVICE': 'a'},
			signatures: {[userId!]: {'ed25519:DEVICE': 'a'}},
		},
		one_time_keys: {'signed_curve25519:AAAA': {key: 'a', signatures: {[userId!]: {'ed25519:DEVICE': 'a'}}}},
		fallback_keys: {'signed_curve25519:AAAB': {key: 'a', fallback: true}},
	}),
};

const plainSamples: Readonly<Record<string, unknown>> = {integer: 1, number: 1, boolean: true, array: [], other: {}};

/** Makes a value that a schema takes, as far as its words say. */
function sampleOf({shape, expected, kind}: Schema<unknown>, names: Names): unknown {
	if (shape) return Object.fromEntries(Object.entries(shape).map(([key, part]) => [key, sampleOf(part, names)]));
	const choices = /^one of (.*?)(?:, or null)?$/u.exec(expected)?.[1];
	if (choices !== undefined) return (JSON.parse(`[${choices}]`) as unknown[])[0];
	const word = /\b(user|room|event) id\b/u.exec(expected)?.[1];
	if (word !== undefined) return names[`${word}Id`] ?? 'x';
	return plainSamples[kind] ?? names['serverName'] ?? 'x';
}

/** Makes a body that an endpoint reads to its end. */
export function bodyOf(endpoint: Endpoint, names: Names): unknown {
	const make = deepBodies[endpoint.id];
	return make ? make(names) : sampleOf(endpoint.body!, names);
}
