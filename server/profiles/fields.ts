import {canonicalJsonBytes, type JsonValue, parseMxcUri} from '../../crypto/index.ts';
import {ProfilesError} from './errors.ts';

/** A profile: `displayname`, `avatar_url`, `m.tz`, and any other field. */
export type Profile = Readonly<Record<string, JsonValue>>;

/** Fields that are repeated in the person's member events, where the specification wants them. */
export const MEMBER_EVENT_FIELDS: ReadonlySet<string> = new Set(['displayname', 'avatar_url']);

/** The specification's bound on the name of a field. */
const KEY_BYTES_MAX = 255;
/** The specification's bound on a whole profile: it must be under 64 KiB. */
const PROFILE_BYTES_MAX = 64 * 1024 - 1;
/** Longer names help nobody read a timeline, and are in every member event. */
const DISPLAY_NAME_CHARACTERS_MAX = 256;
const AVATAR_URL_CHARACTERS_MAX = 1_000;
/** The longest identifier of the time zone database has 32 characters. */
const TIME_ZONE_CHARACTERS_MAX = 64;

const keyGrammar = /^[a-z][a-z0-9._-]*$/;

/**
 * Checks the name of a field.
 * @see https://spec.matrix.org/v1.19/appendices/#common-namespaced-identifier-grammar
 * @throws ProfilesError 'key-too-large', 'invalid-key'
 */
export function checkKey(key: string): void {
	if (Buffer.byteLength(key) > KEY_BYTES_MAX) {
		throw new ProfilesError('key-too-large', `Expected a profile key of at most ${KEY_BYTES_MAX} bytes`);
	}
	if (!keyGrammar.test(key)) {
		throw new ProfilesError(
			'invalid-key',
			'Expected a profile key of a-z, 0-9, ".", "_" and "-" that begins with a letter',
		);
	}
}

/**
 * Gives the value to store for a field; `undefined` where the field is to be removed, which an empty name or avatar
 * says: clients from before v1.16 know no other way.
 * @throws ProfilesError 'invalid-value'
 */
export function checkValue(key: string, value: JsonValue): JsonValue | undefined {
	if (value === null) {
		throw new ProfilesError('invalid-value', 'Expected a value other than null: delete the field to remove it');
	}
	switch (key) {
		case 'displayname':
			return checkText(key, value, DISPLAY_NAME_CHARACTERS_MAX) || undefined;
		case 'avatar_url': {
			const uri = checkText(key, value, AVATAR_URL_CHARACTERS_MAX);
			if (uri !== '' && parseMxcUri(uri) === undefined) {
				throw new ProfilesError('invalid-value', 'Expected avatar_url to be a content URI, mxc://server/media');
			}
			return uri || undefined;
		}
		case 'm.tz':
			return checkText(key, value, TIME_ZONE_CHARACTERS_MAX);
		default:
			return value;
	}
}

/** @throws ProfilesError 'profile-too-large' */
export function checkSize(profile: Profile): void {
	if (canonicalJsonBytes({...profile}).length > PROFILE_BYTES_MAX) {
		throw new ProfilesError('profile-too-large', 'The whole profile would not be under 64 KiB');
	}
}

function checkText(key: string, value: JsonValue, charactersMax: number): string {
	if (typeof value !== 'string' || value.length > charactersMax) {
		throw new ProfilesError('invalid-value', `Expected ${key} to be a string of at most ${charactersMax} characters`);
	}
	return value;
}
