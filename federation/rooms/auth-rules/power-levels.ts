import {isUserId, type JsonObject, type JsonValue, LosslessNumber} from '../../../crypto/index.ts';
import {isJsonObject, ownValue} from '../json-object.ts';
import type {Verdict} from '../pdu.ts';
import {LEVEL_PROPERTIES, readLevel} from '../power-levels.ts';
import {unlimitedCreators} from '../room-creators.ts';
import type {RoomVersion} from '../versions.ts';
import {type AuthCheck, levelsOf, senderLevel} from './auth-check.ts';
import {allowed, refuse, refuseForm} from './verdict.ts';

const properties = Object.keys(LEVEL_PROPERTIES);
const none: JsonObject = {};

/** Rule 9 or 10: `m.room.power_levels`. Numbers in comments are those of room version 12. */
export function checkPowerLevels(check: AuthCheck): Verdict {
	const form = checkForm(check);
	if (form !== undefined) return form;
	// 10.5: If there is no previous m.room.power_levels event in the room, allow.
	const previous = check.state('m.room.power_levels', '');
	if (previous === undefined) return allowed;

	const changes: Changes = {
		check,
		level: senderLevel(check, levelsOf(check)),
		before: previous.content,
		after: check.event.content,
	};
	return checkProperties(changes) ?? checkEvents(changes) ?? checkUsers(changes) ?? allowed;
}

interface Changes {
	readonly check: AuthCheck;
	readonly level: number;
	readonly before: JsonObject;
	readonly after: JsonObject;
}

/** Rules about what the event says by itself. */
function checkForm({event, version, numbers, create}: AuthCheck): Verdict | undefined {
	const {content} = event;
	if (version.powerLevelValues === 'integer') {
		// 10.1 (from version 10): If any of the properties users_default, events_default, state_default, ban, redact, kick,
		// or invite in content are present and not an integer, reject.
		for (const name of properties) {
			if (content[name] !== undefined && readLevel(version, content[name]) === undefined) {
				return refuseForm(numbers.levelProperties, `${name} is not an integer`);
			}
		}
		// 10.2 (from version 10): If either of the properties events or notifications in content are present and not an
		// object with values that are integers, reject.
		for (const name of ['events', 'notifications']) {
			if (content[name] !== undefined && !isLevelMap(version, content[name])) {
				return refuseForm(numbers.levelMaps, `${name} is not an object of integers`);
			}
		}
	} else if (hasNumberOutOfRange(content)) {
		// Versions 1 to 5: values outside the range of a double cause the power-levels event to be rejected.
		return refuseForm(numbers.levelUsers, 'a level is out of range');
	}
	// 10.3: If the users property in content is not an object with keys that are valid user IDs with values that are
	// integers (up to version 9: or a string that is an integer), reject.
	const {users} = content;
	if (users !== undefined && !(isLevelMap(version, users) && Object.keys(users).every(isUserId))) {
		return refuseForm(numbers.levelUsers, 'users is not an object of user ids and levels');
	}
	// 10.4 (version 12): If the users property in content contains the sender of the m.room.create event or any of the
	// additional_creators, reject.
	for (const creator of unlimitedCreators(create)) {
		if (isJsonObject(users) && Object.hasOwn(users, creator)) {
			return refuseForm(numbers.levelCreators, 'users names a creator of the room');
		}
	}
	return undefined;
}

function isLevelMap(version: RoomVersion, value: JsonValue): value is JsonObject {
	return isJsonObject(value) && Object.values(value).every((level) => readLevel(version, level) !== undefined);
}

function hasNumberOutOfRange(content: JsonObject): boolean {
	const maps = [content['events'], content['users'], content['notifications']].filter(isJsonObject);
	const levels = [...properties.map((name) => content[name]), ...maps.flatMap((map) => Object.values(map))];
	return levels.some((level) => level instanceof LosslessNumber && !Number.isFinite(Number(level.raw)));
}

/**
 * 10.6: For the properties users_default, events_default, state_default, ban, redact, kick, invite check if they were
 * added, changed or removed.
 */
function checkProperties({check, level, before, after}: Changes): Verdict | undefined {
	for (const name of properties) {
		const change = compare(check.version, before[name], after[name]);
		if (change === undefined) continue;
		const rule = check.numbers.propertyChanged;
		// 10.6.1: If the current value is higher than the sender's current power level, reject.
		if (exceeds(change.before, level)) return refuse(`${rule}.1`, `${name} is above the sender's level`);
		// 10.6.2: If the new value is higher than the sender's current power level, reject.
		if (exceeds(change.after, level)) return refuse(`${rule}.2`, `${name} would be above the sender's level`);
	}
	return undefined;
}

/** 10.7 and 10.8: entries of `events`, and from version 6 on of `notifications`. */
function checkEvents({check, level, before, after}: Changes): Verdict | undefined {
	const {numbers, version} = check;
	for (const name of version.guardsNotificationLevels ? ['events', 'notifications'] : ['events']) {
		const [old, fresh] = [before[name], after[name]];
		if (fresh !== undefined && !isJsonObject(fresh)) return refuse(numbers.mapEntryAdded, `${name} is not an object`);
		for (const [, change] of listChanges(version, old, fresh)) {
			// 10.7.1: For each entry being changed in, or removed from: if the current value is greater than the sender's
			// current power level, reject.
			if (exceeds(change.before, level)) {
				return refuse(`${numbers.mapEntryRemoved}.1`, `an entry of ${name} is above the sender's level`);
			}
			// 10.8.1: For each entry being added to, or changed in: if the new value is greater than the sender's current
			// power level, reject.
			if (exceeds(change.after, level)) {
				return refuse(`${numbers.mapEntryAdded}.1`, `an entry of ${name} would be above the sender's level`);
			}
		}
	}
	return undefined;
}

/** 10.9 and 10.10: entries of `users`. */
function checkUsers({check, level, before, after}: Changes): Verdict | undefined {
	const {numbers, version, event} = check;
	for (const [user, change] of listChanges(version, before['users'], after['users'])) {
		// 10.9.1: For each entry being changed in, or removed from, the users property, other than the sender's own entry: if
		// the current value is greater than or equal to the sender's current power level, reject.
		if (user !== event.sender && change.before !== undefined && !(change.before < level)) {
			return refuse(`${numbers.userEntryRemoved}.1`, 'another user is not below the sender');
		}
		// 10.10.1: For each entry being added to, or changed in, the users property: if the new value is greater than the
		// sender's current power level, reject.
		if (exceeds(change.after, level)) {
			return refuse(`${numbers.userEntryAdded}.1`, "a user would be above the sender's level");
		}
	}
	return undefined;
}

/** A level before and after; absent where it was not or is no longer written, NaN where what is written is no level. */
interface Change {
	readonly before: number | undefined;
	readonly after: number | undefined;
}

function* listChanges(
	version: RoomVersion,
	before: JsonValue | undefined,
	after: JsonValue | undefined,
): Generator<readonly [key: string, change: Change]> {
	const old = isJsonObject(before) ? before : none;
	const fresh = isJsonObject(after) ? after : none;
	for (const key of Object.keys(old)) {
		const change = compare(version, old[key], ownValue(fresh, key));
		if (change !== undefined) yield [key, change];
	}
	for (const key of Object.keys(fresh)) {
		if (Object.hasOwn(old, key)) continue;
		const change = compare(version, undefined, fresh[key]);
		if (change !== undefined) yield [key, change];
	}
}

/** Levels are compared by what they mean, so `"50"` in place of 50 is no change. */
function compare(
	version: RoomVersion,
	before: JsonValue | undefined,
	after: JsonValue | undefined,
): Change | undefined {
	if (before === undefined && after === undefined) return undefined;
	const change = {before: numberOf(version, before), after: numberOf(version, after)};
	return change.before === change.after ? undefined : change;
}

function numberOf(version: RoomVersion, written: JsonValue | undefined): number | undefined {
	return written === undefined ? undefined : (readLevel(version, written) ?? Number.NaN);
}

/**
 * Tells whether a written level is above the sender's. What is no level at all (possible up to version 9) is above
 * everybody's: other servers fail on comparing it, so no event that changes it or brings it is accepted anywhere.
 */
function exceeds(value: number | undefined, level: number): boolean {
	return value !== undefined && !(value <= level);
}
