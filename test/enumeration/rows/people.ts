/** Rows 8 to 23: people, as others of the same server may ask about them. */
import {path} from '../../harness/index.ts';
import type {Means, Probe, Question, Row} from '../probe.ts';
import type {Subject} from '../subjects.ts';

const V3 = '/_matrix/client/v3';

type Ask = Probe['ask'];

const stranger = (row: number, title: string, ask: Ask, over: Partial<Probe> = {}): Probe => ({
	row,
	title,
	asker: 'stranger',
	about: 'person',
	ask,
	...over,
});

const get = (uri: string): Question => ({method: 'GET', uri});
const post = (uri: string, body: object = {}): Question => ({method: 'POST', uri, body});
const put = (uri: string, body: object = {}): Question => ({method: 'PUT', uri, body});

const localpartOf = (name: string): string => name.slice(1, name.indexOf(':'));
const profileOf = ({name}: Subject, field = ''): Question => get(`${V3}/profile/${path(name)}${field}`);

/** Asks something of the stranger's own room for this purpose. */
const inRoom =
	(purpose: string, ask: (room: string, subject: Subject, means: Means) => Question | readonly Question[]): Ask =>
	async (subject, means) =>
		ask(`${V3}/rooms/${path(await means.roomFor(purpose))}`, subject, means);

const traces = {leavesTraces: true};
const invites = {...traces, givesKeys: true};

/** People. */
export const PEOPLE_ROWS: readonly Row[] = [
	{
		number: 8,
		surface: 'profiles, for nobody in particular',
		probes: ['', '/displayname', '/avatar_url'].map((field) => ({
			...stranger(8, `GET /profile/{u}${field}`, (subject) => profileOf(subject, field), {isTimed: field === ''}),
			asker: 'outsider' as const,
		})),
	},
	{
		number: 9,
		surface: 'profiles',
		probes: ['', '/displayname', '/avatar_url', '/m.tz'].map((field) =>
			stranger(9, `GET /profile/{u}${field}`, (subject) => profileOf(subject, field), {isTimed: field === ''}),
		),
	},
	{
		number: 10,
		surface: 'device keys',
		probes: [
			stranger(10, 'POST /keys/query', ({name}) => post(`${V3}/keys/query`, {device_keys: {[name]: []}}), {
				isTimed: true,
			}),
			stranger(10, 'POST /keys/query of one device', ({name}) =>
				post(`${V3}/keys/query`, {device_keys: {[name]: ['DEVICE']}}),
			),
			stranger(10, 'POST /keys/signatures/upload', ({name}) =>
				post(`${V3}/keys/signatures/upload`, {
					[name]: {DEVICE: {user_id: name, device_id: 'DEVICE', algorithms: [], keys: {}, signatures: {}}},
				}),
			),
		],
	},
	{
		number: 11,
		surface: 'one-time keys',
		probes: [
			stranger(
				11,
				'POST /keys/claim',
				({name}) => post(`${V3}/keys/claim`, {one_time_keys: {[name]: {DEVICE: 'signed_curve25519'}}}),
				{isTimed: true},
			),
		],
	},
	{
		number: 12,
		surface: 'messages to devices',
		probes: [
			stranger(
				12,
				'PUT /sendToDevice',
				({name}, means) => put(`${V3}/sendToDevice/m.x/${means.next()}`, {messages: {[name]: {'*': {n: 1}}}}),
				{...traces, isTimed: true},
			),
		],
	},
	{
		number: 13,
		surface: 'the directory of people',
		probes: [
			stranger(
				13,
				'POST /user_directory/search by localpart',
				({name}) => post(`${V3}/user_directory/search`, {search_term: localpartOf(name), limit: 5}),
				{isTimed: true},
			),
			stranger(13, 'POST /user_directory/search by user id', ({name}) =>
				post(`${V3}/user_directory/search`, {search_term: name, limit: 5}),
			),
		],
	},
	{
		number: 14,
		surface: 'presence',
		probes: [
			stranger(14, 'GET /presence/{u}/status', ({name}) => get(`${V3}/presence/${path(name)}/status`), {
				isTimed: true,
			}),
		],
	},
	{
		number: 16,
		surface: 'banning and removing who is not there',
		probes: [
			stranger(
				16,
				'POST /rooms/{own}/kick',
				inRoom('kick', (room, {name}) => post(`${room}/kick`, {user_id: name})),
				traces,
			),
			stranger(
				16,
				'POST /rooms/{own}/ban',
				inRoom('ban', (room, {name}) => post(`${room}/ban`, {user_id: name})),
				{...traces, samplesMax: 60},
			),
			stranger(
				16,
				'POST /rooms/{own}/unban',
				inRoom('unban', (room, {name}) => post(`${room}/unban`, {user_id: name})),
				{...traces, samplesMax: 60},
			),
		],
	},
	{
		number: 19,
		surface: 'rooms in common',
		probes: [
			stranger(19, 'GET /mutual_rooms', ({name}) => get(`/_matrix/client/v1/mutual_rooms?user_id=${path(name)}`), {
				isTimed: true,
			}),
		],
	},
	{
		number: 20,
		surface: 'reports of people',
		probes: [
			stranger(
				20,
				'POST /users/{u}/report',
				({name}) => post(`${V3}/users/${path(name)}/report`, {reason: 'A reason'}),
				{...traces, isTimed: true},
			),
		],
	},
	{
		number: 21,
		surface: 'what administrators do',
		probes: [
			stranger(21, 'GET /admin/whois/{u}', ({name}) => get(`${V3}/admin/whois/${path(name)}`), {isTimed: true}),
			...['lock', 'suspend'].flatMap((what) => [
				stranger(21, `GET /admin/${what}/{u}`, ({name}) => get(`/_matrix/client/v1/admin/${what}/${path(name)}`)),
				stranger(21, `PUT /admin/${what}/{u}`, ({name}) =>
					put(`/_matrix/client/v1/admin/${what}/${path(name)}`, {[`${what}ed`]: true}),
				),
			]),
		],
	},
	{
		number: 22,
		surface: "other people's own things",
		probes: [
			stranger(22, 'GET /user/{u}/account_data', ({name}) => get(`${V3}/user/${path(name)}/account_data/m.direct`), {
				isTimed: true,
			}),
			stranger(22, 'PUT /user/{u}/account_data', ({name}) => put(`${V3}/user/${path(name)}/account_data/m.x`)),
			stranger(22, 'POST /user/{u}/filter', ({name}) => post(`${V3}/user/${path(name)}/filter`)),
			stranger(22, 'GET /user/{u}/filter/0', ({name}) => get(`${V3}/user/${path(name)}/filter/0`)),
			stranger(22, 'POST /user/{u}/openid/request_token', ({name}) =>
				post(`${V3}/user/${path(name)}/openid/request_token`),
			),
			stranger(22, 'PUT /presence/{u}/status', ({name}) =>
				put(`${V3}/presence/${path(name)}/status`, {presence: 'online'}),
			),
			stranger(22, 'PUT /profile/{u}/displayname', ({name}) =>
				put(`${V3}/profile/${path(name)}/displayname`, {displayname: 'x'}),
			),
			stranger(
				22,
				'PUT /rooms/{own}/typing/{u}',
				inRoom('typing', (room, {name}) => put(`${room}/typing/${path(name)}`, {typing: true, timeout: 1000})),
			),
			stranger(22, 'GET /user/{u}/rooms/{own}/tags', async ({name}, means) =>
				get(`${V3}/user/${path(name)}/rooms/${path(await means.roomFor('tags'))}/tags`),
			),
		],
	},
];

/** Inviting: whoever was invited is known to the inviter in some ways, so these come after all others. */
export const INVITE_ROWS: readonly Row[] = [
	{
		number: 15,
		surface: 'invites',
		probes: [
			stranger(
				15,
				'POST /rooms/{own}/invite',
				inRoom('invite', (room, {name}) => post(`${room}/invite`, {user_id: name})),
				{...invites, isTimed: true},
			),
			stranger(
				15,
				'PUT /rooms/{own}/state/m.room.member/{u}',
				inRoom('invite as state', (room, {name}) =>
					put(`${room}/state/m.room.member/${path(name)}`, {membership: 'invite'}),
				),
				{...invites, samplesMax: 60},
			),
			stranger(
				15,
				'POST /createRoom with an invite',
				({name}) => post(`${V3}/createRoom`, {preset: 'private_chat', invite: [name]}),
				{...invites, samplesMax: 40},
			),
		],
	},
	{
		number: 17,
		surface: 'people who take no invites',
		probes: [
			stranger(
				17,
				'POST /rooms/{own}/invite, twice',
				inRoom('invite again', (room, {name}) => [
					post(`${room}/invite`, {user_id: name}),
					post(`${room}/invite`, {user_id: name}),
				]),
				invites,
			),
		],
	},
];
