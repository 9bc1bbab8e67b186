/** Rows 24 and 25: who and what bridges reach. */
import {path} from '../../harness/index.ts';
import {type Probe, probesOf, type Question, type Row} from '../probe.ts';
import type {Subject} from '../subjects.ts';

const FOLDER = '/_matrix/client/v3/thirdparty';

const localpartOf = ({name}: Subject): string => name.slice(1, name.indexOf(':'));
const get = (uri: string): Question => ({method: 'GET', uri: FOLDER + uri});

const byId: Probe['ask'] = ({name}) => get(`/user?userid=${path(name)}`);
const byField: Probe['ask'] = (subject) => get(`/user/irc?nickname=${path(localpartOf(subject))}`);
const byAlias: Probe['ask'] = ({name}) => get(`/location?alias=${path(name)}`);
const byChannel: Probe['ask'] = (subject) => get(`/location/irc?channel=${path(localpartOf(subject))}`);

/** Whether a bridge knows somebody or a place, and whether one is asked. */
export const BRIDGE_ROWS: readonly Row[] = [
	{
		number: 24,
		surface: 'people and places of bridged networks',
		probes: [
			probesOf('outsider', 'person')(24, 'GET /thirdparty/user?userid', byId),
			probesOf('outsider', 'alias')(24, 'GET /thirdparty/location?alias', byAlias),
			probesOf('stranger', 'person')(24, 'GET /thirdparty/user?userid', byId, {isTimed: true}),
			probesOf('stranger', 'person')(24, 'GET /thirdparty/user/{protocol}', byField),
			probesOf('stranger', 'alias')(24, 'GET /thirdparty/location?alias', byAlias),
			probesOf('stranger', 'alias')(24, 'GET /thirdparty/location/{protocol}', byChannel),
		],
	},
	// Names of a service are among those that all other rows ask about; what it was asked is looked at in the end.
	{number: 25, surface: 'questions to application services', probes: []},
];
