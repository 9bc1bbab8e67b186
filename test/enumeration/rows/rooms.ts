/** Rows 26 to 35: rooms, what is in them, their aliases, and files. */
import {path} from '../../harness/index.ts';
import {probesOf, type Probe, type Question, type Row} from '../probe.ts';
import type {Subject} from '../subjects.ts';

const V1 = '/_matrix/client/v1';
const V3 = '/_matrix/client/v3';

const [ofAlias, ofRoom, ofEvent, ofFile] = [
	probesOf('stranger', 'alias'),
	probesOf('stranger', 'room'),
	probesOf('stranger', 'event'),
	probesOf('stranger', 'file'),
];

const get = (uri: string): Question => ({method: 'GET', uri});
const post = (uri: string, body: object = {}): Question => ({method: 'POST', uri, body});
const put = (uri: string, body: object = {}): Question => ({method: 'PUT', uri, body});

const at = ({name}: Subject): string => `${V3}/rooms/${path(name)}`;
const atRoomOf = ({roomId}: Subject): string => `${V3}/rooms/${path(roomId ?? '')}`;
const aliasPath = ({name}: Subject): string => `${V3}/directory/room/${path(name)}`;
const filePath = ({name}: Subject): string => name.split('/').map(path).join('/');

/** Reads of a room by its id alone. */
const ROOM_READS: readonly (readonly [string, string])[] = [
	['state', ''],
	['state/m.room.create', ''],
	['members', ''],
	['joined_members', ''],
	['messages', '?dir=b'],
	['aliases', ''],
	['initialSync', ''],
	['threads', ''],
	['hierarchy', ''],
	['timestamp_to_event', '?ts=1&dir=f'],
];

const readsOf = (): Probe[] => [
	...ROOM_READS.map(([name, query]) => {
		const base = ['threads', 'hierarchy', 'timestamp_to_event'].includes(name) ? V1 : V3;
		return ofRoom(
			31,
			`GET /rooms/{r}/${name}`,
			(subject) => get(`${base}/rooms/${path(subject.name)}/${name}${query}`),
			{
				isTimed: ['state', 'messages', 'hierarchy'].includes(name),
			},
		);
	}),
	ofEvent(31, 'GET /rooms/{r}/event/{e}', (subject) => get(`${atRoomOf(subject)}/event/${path(subject.name)}`), {
		isTimed: true,
	}),
	ofEvent(31, 'GET /rooms/{r}/context/{e}', (subject) => get(`${atRoomOf(subject)}/context/${path(subject.name)}`)),
	ofEvent(31, 'GET /rooms/{r}/relations/{e}', ({name, roomId = ''}) =>
		get(`${V1}/rooms/${path(roomId)}/relations/${path(name)}`),
	),
];

/** Events and rooms that others are in, asked for by way of a room or a thing of one's own. */
const detours = (): Probe[] => [
	...['event', 'context'].map((what) =>
		ofEvent(31, `GET /rooms/{own}/${what}/{e}`, async ({name}, means) =>
			get(`${V3}/rooms/${path(await means.roomFor('detours'))}/${what}/${path(name)}`),
		),
	),
	ofEvent(31, 'GET /rooms/{own}/relations/{e}', async ({name}, means) =>
		get(`${V1}/rooms/${path(await means.roomFor('detours'))}/relations/${path(name)}`),
	),
	ofEvent(31, 'PUT /rooms/{own}/redact/{e}', async ({name}, means) =>
		put(`${V3}/rooms/${path(await means.roomFor('redactions'))}/redact/${path(name)}/${means.next()}`),
	),
	ofEvent(
		31,
		'PUT /rooms/{own}/send, about {e}',
		async ({name}, means) =>
			put(`${V3}/rooms/${path(await means.roomFor('relations'))}/send/m.reaction/${means.next()}`, {
				'm.relates_to': {rel_type: 'm.annotation', event_id: name, key: 'x'},
			}),
		{leavesTraces: true},
	),
	ofEvent(33, 'POST /rooms/{own}/receipt/m.read/{e}', async ({name}, means) =>
		post(`${V3}/rooms/${path(await means.roomFor('detours'))}/receipt/m.read/${path(name)}`),
	),
	ofRoom(31, 'POST /search in {r}', ({name}) =>
		post(`${V3}/search`, {search_categories: {room_events: {search_term: 'between', filter: {rooms: [name]}}}}),
	),
	ofRoom(31, 'GET /events of {r}', ({name}) => get(`${V3}/events?timeout=0&room_id=${path(name)}`)),
	ofRoom(31, 'sliding sync of {r}', ({name}) =>
		post('/_matrix/client/unstable/org.matrix.simplified_msc3575/sync?timeout=0', {
			conn_id: 'detours',
			room_subscriptions: {[name]: {timeline_limit: 1, required_state: []}},
		}),
	),
	ofRoom(
		31,
		'GET /rooms/{own space}/hierarchy with {r} in it',
		async ({name}, means) => {
			const space = `/rooms/${path(await means.roomFor(`space of ${name}`))}`;
			return [
				put(`${V3}${space}/state/m.space.child/${path(name)}`, {via: [means.serverName]}),
				get(`${V1}${space}/hierarchy`),
			];
		},
		{samplesMax: 8},
	),
	ofRoom(
		32,
		'POST /createRoom as successor of {r}',
		({name}) => post(`${V3}/createRoom`, {creation_content: {predecessor: {room_id: name, event_id: '$x'}}}),
		{samplesMax: 8, leavesTraces: true},
	),
	ofRoom(32, 'PUT /directory/room/{alias} for {r}', ({name}, means) =>
		put(`${V3}/directory/room/${path(`#detour${means.next()}:${means.serverName}`)}`, {room_id: name}),
	),
	ofAlias(26, 'PUT /rooms/{own}/state/m.room.canonical_alias', async ({name: alias}, means) =>
		put(`${V3}/rooms/${path(await means.roomFor('canonical alias'))}/state/m.room.canonical_alias`, {alias}),
	),
	ofAlias(26, 'PUT /rooms/{own}/state/m.room.canonical_alias, another', async ({name}, means) =>
		put(`${V3}/rooms/${path(await means.roomFor('canonical alias'))}/state/m.room.canonical_alias`, {
			alt_aliases: [name],
		}),
	),
];

const writesOf = (): Probe[] => [
	ofRoom(32, 'PUT /rooms/{r}/send', (subject, means) =>
		put(`${at(subject)}/send/m.room.message/${means.next()}`, {msgtype: 'm.text', body: 'x'}),
	),
	ofRoom(32, 'PUT /rooms/{r}/send, later', (subject, means) =>
		put(`${at(subject)}/send/m.room.message/${means.next()}?org.matrix.msc4140.delay=80000000`, {body: 'x'}),
	),
	ofRoom(32, 'PUT /rooms/{r}/state', (subject) => put(`${at(subject)}/state/m.room.topic`, {topic: 'x'})),
	ofRoom(32, 'POST /rooms/{r}/upgrade', (subject) => post(`${at(subject)}/upgrade`, {new_version: '12'})),
	...['invite', 'kick', 'ban', 'unban'].map((verb) =>
		ofRoom(32, `POST /rooms/{r}/${verb}`, (subject, {serverName}) =>
			post(`${at(subject)}/${verb}`, {user_id: `@someone:${serverName}`}),
		),
	),
	ofRoom(32, 'POST /rooms/{r}/report', (subject) => post(`${at(subject)}/report`, {reason: 'A reason'}), {
		leavesTraces: true,
		isTimed: true,
	}),
	ofEvent(32, 'POST /rooms/{r}/report/{e}', (subject) =>
		post(`${atRoomOf(subject)}/report/${path(subject.name)}`, {reason: 'A reason'}),
	),
	ofEvent(32, 'PUT /rooms/{r}/redact/{e}', (subject, means) =>
		put(`${atRoomOf(subject)}/redact/${path(subject.name)}/${means.next()}`),
	),
	ofRoom(32, 'GET /room_summary/{r}', ({name}) => get(`${V1}/room_summary/${path(name)}`), {isTimed: true}),
	ofAlias(32, 'GET /room_summary/{alias}', ({name}) => get(`${V1}/room_summary/${path(name)}`)),
	ofRoom(32, 'GET /directory/list/room/{r}', ({name}) => get(`${V3}/directory/list/room/${path(name)}`)),
	ofRoom(32, 'PUT /directory/list/room/{r}', ({name}) =>
		put(`${V3}/directory/list/room/${path(name)}`, {visibility: 'public'}),
	),
	{
		...ofRoom(32, 'GET /directory/list/room/{r}', ({name}) => get(`${V3}/directory/list/room/${path(name)}`)),
		asker: 'outsider',
	},
];

const ownThingsOf = (): Probe[] => [
	ofEvent(
		33,
		'POST /rooms/{r}/receipt/m.read/{e}',
		(subject) => post(`${atRoomOf(subject)}/receipt/m.read/${path(subject.name)}`),
		{leavesTraces: true, isTimed: true},
	),
	ofEvent(
		33,
		'POST /rooms/{r}/read_markers',
		(subject) => post(`${atRoomOf(subject)}/read_markers`, {'m.fully_read': subject.name}),
		{leavesTraces: true},
	),
	ofRoom(33, 'PUT /rooms/{r}/typing', (subject, {stranger}) =>
		put(`${at(subject)}/typing/${path(stranger.userId)}`, {typing: true, timeout: 1000}),
	),
	ofRoom(
		33,
		'PUT /user/{own}/rooms/{r}/account_data',
		({name}, {stranger}) => put(`${V3}/user/${path(stranger.userId)}/rooms/${path(name)}/account_data/m.x`, {a: 1}),
		{leavesTraces: true},
	),
	ofRoom(33, 'GET /user/{own}/rooms/{r}/account_data', ({name}, {stranger}) =>
		get(`${V3}/user/${path(stranger.userId)}/rooms/${path(name)}/account_data/m.y`),
	),
	ofRoom(33, 'PUT /user/{own}/rooms/{r}/tags', ({name}, {stranger}) =>
		put(`${V3}/user/${path(stranger.userId)}/rooms/${path(name)}/tags/u.x`, {order: 0.5}),
	),
];

const DOWNLOADS: readonly (readonly [string, string])[] = [
	['GET /media/v3/download', '/_matrix/media/v3/download'],
	['GET /media/v3/thumbnail', '/_matrix/media/v3/thumbnail'],
	['GET /media/download', `${V1}/media/download`],
	['GET /media/thumbnail', `${V1}/media/thumbnail`],
];

/** Rooms, aliases and files. */
export const ROOM_ROWS: readonly Row[] = [
	{
		number: 26,
		surface: 'aliases',
		probes: [
			ofAlias(26, 'GET /directory/room/{alias}', (subject) => get(aliasPath(subject)), {isTimed: true}),
			{
				...ofAlias(26, 'GET /directory/room/{alias}', (subject) => get(aliasPath(subject)), {isTimed: true}),
				asker: 'outsider',
			},
		],
	},
	{
		number: 28,
		surface: "removing others' aliases",
		probes: [ofAlias(28, 'DELETE /directory/room/{alias}', (subject) => ({method: 'DELETE', uri: aliasPath(subject)}))],
	},
	{
		number: 29,
		surface: 'entering by alias',
		probes: [
			ofAlias(29, 'POST /join/{alias}', ({name}) => post(`${V3}/join/${path(name)}`), {isTimed: true}),
			ofAlias(29, 'POST /knock/{alias}', ({name}) => post(`${V3}/knock/${path(name)}`), {isTimed: true}),
		],
	},
	{
		number: 30,
		surface: 'entering and leaving by room id',
		probes: [
			ofRoom(30, 'POST /join/{r}', ({name}) => post(`${V3}/join/${path(name)}`), {isTimed: true}),
			...['join', 'leave', 'forget'].map((verb) =>
				ofRoom(30, `POST /rooms/{r}/${verb}`, (subject) => post(`${at(subject)}/${verb}`), {isTimed: verb === 'leave'}),
			),
			ofRoom(30, 'POST /knock/{r}', ({name}) => post(`${V3}/knock/${path(name)}`)),
		],
	},
	{number: 31, surface: 'reading rooms', probes: [...readsOf(), ...detours()]},
	{number: 32, surface: 'doing something in rooms', probes: writesOf()},
	{number: 33, surface: 'receipts, markers and tags in rooms', probes: ownThingsOf()},
	{
		number: 34,
		surface: 'files',
		// Whoever has an account and was told a file's id, which nobody can guess, is given the file.
		probes: DOWNLOADS.map(([title, base]) => ({
			...ofFile(34, title, (subject) => get(`${base}/${filePath(subject)}?width=32&height=32&method=scale`)),
			asker: 'outsider',
		})),
	},
];

/** Names that are used up by asking: after everything else. */
export const USED_UP_ROWS: readonly Row[] = [
	{
		number: 27,
		surface: 'making an alias that there is',
		probes: [
			ofAlias(
				27,
				'PUT /directory/room/{alias}',
				async (subject, means) => put(aliasPath(subject), {room_id: await means.roomFor('aliases')}),
				{isUsedUp: true, isBounded: ['default', 'open', 'token'], samplesMax: 20},
			),
		],
	},
];
