/** Rows 18 and 36 to 47: what a server is told that shares no room with anybody here. */
import type {EventId, JsonObject, RoomId} from '../../../crypto/index.ts';
import {type Pdu, toFederationEvent} from '../../../federation/rooms/index.ts';
import {path} from '../../harness/index.ts';
import {probesOf, type Means, type Probe, type Question, type Row} from '../probe.ts';
import type {Subject, SubjectKind} from '../subjects.ts';

const V1 = '/_matrix/federation/v1';

const [ofPerson, ofRoom, ofEvent, ofAlias] = [
	probesOf('server', 'person'),
	probesOf('server', 'room'),
	probesOf('server', 'event'),
	probesOf('server', 'alias'),
];

const get = (uri: string): Question => ({method: 'GET', uri});
const post = (uri: string, body: object): Question => ({method: 'POST', uri, body});

const ANY_VERSION = ['6', '7', '8', '9', '10', '11', '12'].map((version) => `ver=${version}`).join('&');

/** Some event of the strange server's rooms, which nobody here has to know. */
const SOME_EVENT = `$${'a'.repeat(43)}` as EventId;

/** Makes an invite of somebody here to a room of the strange server. */
function inviteOf(version: 'v1' | 'v2', {name}: Subject, {peer, peerUserId, newPeerRoom, next}: Means): Question {
	const roomVersion = version === 'v1' ? '1' : '11';
	const before = version === 'v1' ? (`$some:${peer.name}` as EventId) : SOME_EVENT;
	const invite = peer.sign({
		roomVersion,
		...(version === 'v1' && {eventId: `$${next()}:${peer.name}` as EventId}),
		roomId: newPeerRoom(),
		type: 'm.room.member',
		sender: peerUserId,
		stateKey: name,
		content: {membership: 'invite'},
		depth: 5,
		originServerTs: Date.now(),
		prevEvents: [before],
		authEvents: [before],
	});
	const event = toFederationEvent(invite);
	return {
		method: 'PUT',
		uri: `/_matrix/federation/${version}/invite/${path(invite.roomId)}/${path(invite.eventId)}`,
		body: version === 'v1' ? event : {room_version: roomVersion, event, invite_room_state: []},
	};
}

/** Makes an event of a room that the strange server is not in. */
function eventOf({name}: Subject, {peer, peerUserId}: Means, membership?: string): Pdu {
	return peer.sign({
		roomVersion: name.includes(':') ? '11' : '12',
		roomId: name as RoomId,
		type: membership === undefined ? 'm.room.message' : 'm.room.member',
		sender: peerUserId,
		...(membership !== undefined && {stateKey: peerUserId}),
		content: membership === undefined ? {msgtype: 'm.text', body: 'x'} : {membership},
		depth: 9,
		originServerTs: Date.now(),
		prevEvents: [SOME_EVENT],
		authEvents: [SOME_EVENT],
	});
}

function sendPdu(subject: Subject, means: Means): Question {
	const pdus = [toFederationEvent(eventOf(subject, means))];
	const body = {origin: means.peer.name, origin_server_ts: Date.now(), pdus, edus: []};
	return {method: 'PUT', uri: `${V1}/send/${means.next()}`, body};
}

function sendMember(way: 'join' | 'knock' | 'leave', subject: Subject, means: Means): Question {
	const event = eventOf(subject, means, way);
	const version = way === 'knock' ? 'v1' : 'v2';
	return {
		method: 'PUT',
		uri: `/_matrix/federation/${version}/send_${way}/${path(subject.name)}/${path(event.eventId)}`,
		body: toFederationEvent(event),
	};
}

/** Says something in passing. */
function eduOf({peer, next}: Means, type: string, content: JsonObject): Question {
	const edus = [{edu_type: type, content}];
	const body = {origin: peer.name, origin_server_ts: Date.now(), pdus: [], edus};
	return {method: 'PUT', uri: `${V1}/send/${next()}`, body};
}

const EDUS: readonly (readonly [string, SubjectKind, (subject: Subject, means: Means) => JsonObject])[] = [
	[
		'm.direct_to_device',
		'person',
		({name}, {peerUserId: sender, next}) => ({
			sender,
			type: 'm.x',
			message_id: `${next()}`,
			messages: {[name]: {'*': {n: 1}}},
		}),
	],
	['m.presence', 'person', ({name}) => ({push: [{user_id: name, presence: 'online', last_active_ago: 1}]})],
	['m.device_list_update', 'person', ({name}) => ({user_id: name, device_id: 'D', stream_id: 1, prev_id: []})],
	['m.typing', 'room', ({name}, {peerUserId}) => ({room_id: name, user_id: peerUserId, typing: true})],
	[
		'm.receipt',
		'event',
		({name, roomId = ''}, {peerUserId}) => ({
			[roomId]: {'m.read': {[peerUserId]: {event_ids: [name], data: {ts: 1}}}},
		}),
	],
];

const entriesOf = (): Probe[] => [
	...(['join', 'knock', 'leave'] as const).map((way) =>
		ofRoom(40, `PUT /send_${way}/{r}`, (subject, means) => sendMember(way, subject, means), {leavesTraces: true}),
	),
	ofRoom(40, 'PUT /exchange_third_party_invite/{r}', ({name}, {peerUserId, serverName}) => ({
		method: 'PUT',
		uri: `${V1}/exchange_third_party_invite/${path(name)}`,
		body: {
			type: 'm.room.member',
			room_id: name,
			sender: peerUserId,
			state_key: `@someone:${serverName}`,
			content: {
				membership: 'invite',
				third_party_invite: {
					display_name: 'x',
					signed: {mxid: `@someone:${serverName}`, token: 'x', signatures: {'x.example': {'ed25519:0': 'x'}}},
				},
			},
		},
	})),
	...['join', 'knock', 'leave'].map((way) =>
		ofRoom(
			40,
			`GET /make_${way}/{r}`,
			({name}, {peerUserId}) =>
				get(`${V1}/make_${way}/${path(name)}/${path(peerUserId)}${way === 'leave' ? '' : `?${ANY_VERSION}`}`),
			{isTimed: way === 'join'},
		),
	),
];

const historyOf = (): Probe[] => [
	...['state', 'state_ids'].map((what) =>
		ofEvent(
			41,
			`GET /${what}/{r}`,
			({name, roomId = ''}) => get(`${V1}/${what}/${path(roomId)}?event_id=${path(name)}`),
			{isTimed: what === 'state_ids'},
		),
	),
	ofEvent(41, 'GET /backfill/{r}', ({name, roomId = ''}) =>
		get(`${V1}/backfill/${path(roomId)}?v=${path(name)}&limit=10`),
	),
	ofEvent(41, 'POST /get_missing_events/{r}', ({name, roomId = ''}) =>
		post(`${V1}/get_missing_events/${path(roomId)}`, {earliest_events: [SOME_EVENT], latest_events: [name], limit: 10}),
	),
	ofEvent(41, 'GET /event_auth/{r}/{e}', ({name, roomId = ''}) =>
		get(`${V1}/event_auth/${path(roomId)}/${path(name)}`),
	),
];

const profileOf = ({name}: Subject, field: string): Question =>
	get(`${V1}/query/profile?user_id=${path(name)}${field === '' ? '' : `&field=${field}`}`);

/** What other servers may ask. */
export const SERVER_ROWS: readonly Row[] = [
	{
		number: 36,
		surface: 'profiles, for other servers',
		probes: ['', 'displayname'].map((field) =>
			ofPerson(36, `GET /query/profile ${field}`.trim(), (subject) => profileOf(subject, field), {
				isTimed: field === '',
			}),
		),
	},
	{
		number: 37,
		surface: 'devices, for other servers',
		probes: [
			ofPerson(37, 'GET /user/devices/{u}', ({name}) => get(`${V1}/user/devices/${path(name)}`), {isTimed: true}),
		],
	},
	{
		number: 38,
		surface: 'keys, for other servers',
		probes: [
			ofPerson(38, 'POST /user/keys/query', ({name}) => post(`${V1}/user/keys/query`, {device_keys: {[name]: []}}), {
				isTimed: true,
			}),
			ofPerson(38, 'POST /user/keys/claim', ({name}) =>
				post(`${V1}/user/keys/claim`, {one_time_keys: {[name]: {DEVICE: 'signed_curve25519'}}}),
			),
		],
	},
	{
		number: 39,
		surface: 'aliases, for other servers',
		probes: [
			ofAlias(39, 'GET /query/directory', ({name}) => get(`${V1}/query/directory?room_alias=${path(name)}`), {
				isTimed: true,
			}),
		],
	},
	{number: 40, surface: 'templates to enter and leave', probes: entriesOf()},
	{number: 41, surface: 'history, for other servers', probes: historyOf()},
	{
		number: 42,
		surface: 'events by their time, for other servers',
		probes: [
			ofRoom(42, 'GET /timestamp_to_event/{r}', ({name}) => get(`${V1}/timestamp_to_event/${path(name)}?ts=1&dir=f`), {
				isTimed: true,
			}),
		],
	},
	{
		number: 43,
		surface: 'single events, for other servers',
		probes: [ofEvent(43, 'GET /event/{e}', ({name}) => get(`${V1}/event/${path(name)}`), {isTimed: true})],
	},
	{
		number: 44,
		surface: 'what other servers send',
		probes: [
			...EDUS.map(([type, about, contentOf]) =>
				probesOf('server', about)(
					44,
					`PUT /send, ${type}`,
					(subject, means) => eduOf(means, type, contentOf(subject, means)),
					{
						leavesTraces: true,
						isTimed: type === 'm.direct_to_device',
					},
				),
			),
			ofRoom(44, 'PUT /send, an event of {r}', sendPdu, {leavesTraces: true, isTimed: true}),
		],
	},
	{
		number: 45,
		surface: 'spaces and lists of rooms, for other servers',
		probes: [
			ofRoom(45, 'GET /hierarchy/{r}', ({name}) => get(`${V1}/hierarchy/${path(name)}`), {isTimed: true}),
			ofRoom(45, 'GET /publicRooms', () => get(`${V1}/publicRooms`)),
		],
	},
	{
		number: 46,
		surface: 'keys of other servers',
		probes: [
			probesOf('server', 'server')(46, 'GET /key/v2/query/{server}', ({name}) =>
				get(`/_matrix/key/v2/query/${path(name)}`),
			),
			probesOf('server', 'server')(46, 'POST /key/v2/query', ({name}) =>
				post('/_matrix/key/v2/query', {server_keys: {[name]: {}}}),
			),
		],
	},
];

/** Whoever was invited by a server is known to it in some ways: after all others. */
export const SERVER_INVITE_ROWS: readonly Row[] = [
	{
		number: 18,
		surface: 'invites by other servers',
		probes: [
			ofPerson(18, 'PUT /v2/invite', (subject, means) => inviteOf('v2', subject, means), {
				leavesTraces: true,
				givesKeys: true,
				isTimed: true,
			}),
			ofPerson(18, 'PUT /v1/invite', (subject, means) => inviteOf('v1', subject, means), {
				leavesTraces: true,
				givesKeys: true,
			}),
		],
	},
];
