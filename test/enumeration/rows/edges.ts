/** Rows 35, 48 and 50: what was fetched before, what the program is, and requests that make no sense. */
import {path} from '../../harness/index.ts';
import {probesOf, type Probe, type Question, type Row} from '../probe.ts';

const V1 = '/_matrix/client/v1';
const V3 = '/_matrix/client/v3';

const get = (uri: string): Question => ({method: 'GET', uri});

/** A version as programs have them, of three numbers. */
const PROGRAM_VERSION = /\b\d+\.\d+\.\d+\b(?!\.\d)/u;

/** Nothing like it: a number where an object belongs, an end that is missing, a method that there is not. */
const nonsenseOf = (): Probe[] => [
	probesOf('outsider', 'person')(50, 'POST /login, cut off', ({name}) => ({
		method: 'POST',
		uri: `${V3}/login`,
		text: `{"type":"m.login.password","password":"x","identifier":{"type":"m.id.user","user":"${name}"`,
	})),
	probesOf('outsider', 'person')(50, 'POST /login, a number for a password', ({name: user}) => ({
		method: 'POST',
		uri: `${V3}/login`,
		body: {type: 'm.login.password', password: 5, identifier: {type: 'm.id.user', user}},
	})),
	probesOf('outsider', 'person')(50, 'PATCH /profile/{u}', ({name}) => ({
		method: 'PATCH',
		uri: `${V3}/profile/${path(name)}`,
		text: '{}',
	})),
	probesOf('stranger', 'person')(50, 'PUT /profile/{u}/displayname, an array', ({name}) => ({
		method: 'PUT',
		uri: `${V3}/profile/${path(name)}/displayname`,
		text: '[]',
	})),
	probesOf('stranger', 'person')(50, 'POST /keys/query, a number', ({name}) => ({
		method: 'POST',
		uri: `${V3}/keys/query`,
		body: {device_keys: {[name]: 5}},
	})),
	probesOf('stranger', 'person')(50, 'GET /user/{u}/filter/none', ({name}) =>
		get(`${V3}/user/${path(name)}/filter/none`),
	),
	probesOf('stranger', 'room')(50, 'POST /rooms/{r}/invite, nobody', ({name}) => ({
		method: 'POST',
		uri: `${V3}/rooms/${path(name)}/invite`,
		body: {user_id: 5},
	})),
	probesOf('stranger', 'room')(50, 'GET /rooms/{r}/messages, no direction', ({name}) =>
		get(`${V3}/rooms/${path(name)}/messages?dir=sideways&limit=-1`),
	),
	probesOf('server', 'person')(50, 'POST /user/keys/query, a number', ({name}) => ({
		method: 'POST',
		uri: '/_matrix/federation/v1/user/keys/query',
		body: {device_keys: {[name]: 5}},
	})),
	probesOf('server', 'person')(50, 'POST /user/devices/{u}', ({name}) => ({
		method: 'POST',
		uri: `/_matrix/federation/v1/user/devices/${path(name)}`,
		body: {},
	})),
	probesOf('server', 'room')(50, 'GET /backfill/{r}, no limit', ({name}) =>
		get(`/_matrix/federation/v1/backfill/${path(name)}?v=none&limit=-1`),
	),
];

/** What was fetched before, what the program is, and nonsense. */
export const EDGE_ROWS: readonly Row[] = [
	{
		number: 35,
		surface: 'files of other servers that were fetched',
		probes: ['?allow_remote=false', ''].map((query) =>
			probesOf('stranger', 'farFile')(
				35,
				`GET /media/download${query}`,
				({name}) => get(`${V1}/media/download/${name.split('/').map(path).join('/')}${query}`),
				{isUsedUp: true},
			),
		),
	},
	{
		number: 48,
		surface: 'which program this is',
		probes: [
			probesOf('outsider', 'path')(48, 'GET paths of other programs', ({name}) => get(name), {
				forbidden: PROGRAM_VERSION,
			}),
			probesOf('outsider', 'person')(48, 'GET /versions', () => get('/_matrix/client/versions'), {
				forbidden: PROGRAM_VERSION,
				samplesMax: 1,
			}),
			probesOf('server', 'person')(48, 'GET /version', () => get('/_matrix/federation/v1/version'), {
				forbidden: PROGRAM_VERSION,
				samplesMax: 1,
			}),
		],
	},
	{number: 50, surface: 'requests that make no sense', probes: nonsenseOf()},
];
