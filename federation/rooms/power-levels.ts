import {type JsonValue, LosslessNumber, type UserId} from '../../crypto/index.ts';
import {isJsonObject} from './json-object.ts';
import type {Pdu} from './pdu.ts';
import {creatorOf, unlimitedCreators} from './room-creators.ts';
import {type RoomVersion, roomVersion} from './versions.ts';

/**
 * Who may do what in a room. Levels are finite numbers, except those of the creators of rooms of version 12 and later,
 * which are Infinity; compare with `<` and `>`, subtract only finite ones.
 * @see https://spec.matrix.org/v1.19/client-server-api/#mroompower_levels
 */
export interface PowerLevels {
	readonly ban: number;
	readonly kick: number;
	readonly redact: number;
	readonly invite: number;
	readonly usersDefault: number;
	readonly eventsDefault: number;
	readonly stateDefault: number;
	readonly users: ReadonlyMap<string, number>;
	readonly events: ReadonlyMap<string, number>;
	readonly notifications: ReadonlyMap<string, number>;
	/** Users of infinite level. */
	readonly creators: ReadonlySet<string>;
}

const none: ReadonlyMap<string, number> = new Map();

const defaults: PowerLevels = {
	ban: 50,
	kick: 50,
	redact: 50,
	invite: 0,
	usersDefault: 0,
	eventsDefault: 0,
	stateDefault: 50,
	users: none,
	events: none,
	notifications: none,
	creators: new Set(),
};

const notificationDefault = 50;

/** The single levels of a power-levels event's content, with their names in {@link PowerLevels}. */
export const LEVEL_PROPERTIES = {
	users_default: 'usersDefault',
	events_default: 'eventsDefault',
	state_default: 'stateDefault',
	ban: 'ban',
	redact: 'redact',
	kick: 'kick',
	invite: 'invite',
} as const;

interface Parsed {
	readonly create: Pdu | undefined;
	readonly levels: PowerLevels;
}

const parsed = new WeakMap<Pdu, Parsed>();
const parsedWithoutEvent = new WeakMap<Pdu, PowerLevels>();

/**
 * Gives a room's power levels from its `m.room.power_levels` event, or those which hold in its absence: the creator
 * has 100 up to room version 11. What an old room's event says in a form that is no level counts as not said.
 */
export function powerLevelsOf(create: Pdu | undefined, event: Pdu | undefined): PowerLevels {
	if (event === undefined) return create === undefined ? defaults : levelsWithoutEvent(create);
	const known = parsed.get(event);
	if (known !== undefined && known.create === create) return known.levels;
	const levels = readPowerLevels(event, create);
	parsed.set(event, {create, levels});
	return levels;
}

function levelsWithoutEvent(create: Pdu): PowerLevels {
	let levels = parsedWithoutEvent.get(create);
	if (levels === undefined) {
		const creators = unlimitedCreators(create);
		const creator = creatorOf(create);
		const users = creators.size > 0 || creator === undefined ? none : new Map([[creator, 100]]);
		levels = {...defaults, users, creators};
		parsedWithoutEvent.set(create, levels);
	}
	return levels;
}

function readPowerLevels(event: Pdu, create: Pdu | undefined): PowerLevels {
	const version = roomVersion(event.roomVersion);
	const {content} = event;
	const level = (name: keyof typeof LEVEL_PROPERTIES) =>
		readLevel(version, content[name]) ?? defaults[LEVEL_PROPERTIES[name]];
	return {
		ban: level('ban'),
		kick: level('kick'),
		redact: level('redact'),
		invite: level('invite'),
		usersDefault: level('users_default'),
		eventsDefault: level('events_default'),
		stateDefault: level('state_default'),
		users: readLevelMap(version, content['users']),
		events: readLevelMap(version, content['events']),
		notifications: readLevelMap(version, content['notifications']),
		creators: create === undefined ? defaults.creators : unlimitedCreators(create),
	};
}

function readLevelMap(version: RoomVersion, value: JsonValue | undefined): ReadonlyMap<string, number> {
	if (!isJsonObject(value)) return none;
	const levels = new Map<string, number>();
	for (const [name, written] of Object.entries(value)) {
		const level = readLevel(version, written);
		if (level !== undefined) levels.set(name, level);
	}
	return levels;
}

/** Gives a user's level; Infinity for a creator from room version 12 on. */
export function userLevel(levels: PowerLevels, userId: UserId | string): number {
	if (levels.creators.has(userId)) return Number.POSITIVE_INFINITY;
	return levels.users.get(userId) ?? levels.usersDefault;
}

/** Gives the level needed to send an event of a type, which is not a membership. */
export function eventLevel(levels: PowerLevels, type: string, isState: boolean): number {
	return levels.events.get(type) ?? (isState ? levels.stateDefault : levels.eventsDefault);
}

/** Gives the level needed to trigger a notification of a kind, as `room` for `@room`; 50 if unspecified. */
export function notificationLevel(levels: PowerLevels, kind: string): number {
	return levels.notifications.get(kind) ?? notificationDefault;
}

/** Longest text that can be a level; an integer with more digits is beyond every double. */
const levelCharactersMax = 400;

/** Blanks around a level as `String.trim` knows them; then an optional sign and decimal digits. */
const integerText = /^[+-]?\d+$/;

/**
 * Reads a power level as written in an event of a room version: an integer; up to version 9 also an integer as text;
 * up to version 5 also a number with fraction or exponent, which is truncated. Undefined for anything else, also for
 * what lies beyond the range of a double.
 * @see https://spec.matrix.org/v1.19/rooms/v1/#mroompower_levels-events-accept-values-as-strings
 */
export function readLevel(version: RoomVersion, written: JsonValue | undefined): number | undefined {
	if (typeof written === 'number') {
		if (Number.isInteger(written)) return written + 0;
		return version.powerLevelValues === 'integer-string-or-float' ? toLevel(written) : undefined;
	}
	if (version.powerLevelValues === 'integer') return undefined;
	if (typeof written === 'string') {
		const text = written.trim();
		return text.length <= levelCharactersMax && integerText.test(text) ? toLevel(Number(text)) : undefined;
	}
	if (written instanceof LosslessNumber && version.powerLevelValues === 'integer-string-or-float') {
		return written.raw.length <= levelCharactersMax ? toLevel(Number(written.raw)) : undefined;
	}
	return undefined;
}

/** Truncates at the decimal point; adding zero turns -0 into 0. */
function toLevel(value: number): number | undefined {
	return Number.isFinite(value) ? Math.trunc(value) + 0 : undefined;
}
