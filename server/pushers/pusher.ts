import {isJsonObject, type DeviceId, type JsonObject, type UserId} from '../../crypto/index.ts';
import type {PusherRow} from '../../storage/index.ts';
import {PushersError} from './errors.ts';

/** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3pushersset */
const APP_ID_LENGTH_MAX = 64;
const PUSHKEY_BYTES_MAX = 512;
/** Names, languages and tags are shown in one line of a list. */
const NAME_BYTES_MAX = 512;
/** What goes along with every notification; keys of Web Push and the like take some hundred bytes. */
const DATA_BYTES_MAX = 4096;
const NOTIFY_PATH = '/_matrix/push/v1/notify';

/** What names a pusher among those of its user. */
export interface PusherKey {
	readonly appId: string;
	readonly pushkey: string;
}

/** A pusher as its client set it. */
export interface Pusher extends PusherKey {
	readonly kind: string;
	readonly appDisplayName: string;
	readonly deviceDisplayName: string;
	readonly profileTag?: string | undefined;
	readonly lang: string;
	readonly data: JsonObject;
	/** Off, it stays in the list and notifies of nothing. */
	readonly isEnabled: boolean;
}

/** A pusher with the session that it belongs to. */
export interface SetPusher extends Pusher {
	readonly userId: UserId;
	readonly deviceId: DeviceId;
	/** When it was set, in milliseconds. */
	readonly setTs: number;
}

const sizeOf = (text: string): number => Buffer.byteLength(text);

/** Checks what is only read by us, and shown in lists. @throws PushersError 'invalid' */
export function checkKey({appId, pushkey}: PusherKey): void {
	if (appId === '' || Array.from(appId).length > APP_ID_LENGTH_MAX) {
		throw new PushersError('invalid', `app_id: expected 1 to ${APP_ID_LENGTH_MAX} characters`);
	}
	if (pushkey === '' || sizeOf(pushkey) > PUSHKEY_BYTES_MAX) {
		throw new PushersError('invalid', `pushkey: expected 1 to ${PUSHKEY_BYTES_MAX} bytes`);
	}
}

/** @throws PushersError 'invalid' */
export function checkPusher(pusher: Pusher): void {
	checkKey(pusher);
	if (pusher.kind !== 'http') throw new PushersError('invalid', 'kind: expected http or null');
	for (const text of [pusher.appDisplayName, pusher.deviceDisplayName, pusher.lang, pusher.profileTag ?? '']) {
		if (sizeOf(text) > NAME_BYTES_MAX) {
			throw new PushersError('invalid', `Expected names of at most ${NAME_BYTES_MAX} bytes`);
		}
	}
	if (sizeOf(JSON.stringify(pusher.data)) > DATA_BYTES_MAX) {
		throw new PushersError('invalid', `data: expected at most ${DATA_BYTES_MAX} bytes`);
	}
	findGateway(pusher.data);
}

/**
 * Gives where notifications are sent to. Whether that address may be reached is found out when it is: names resolve to
 * another address every time.
 * @throws PushersError 'invalid'
 */
export function findGateway({url}: JsonObject): URL {
	const parsed = typeof url === 'string' && URL.canParse(url) ? new URL(url) : undefined;
	const isPlain = parsed?.username === '' && parsed.password === '' && parsed.hash === '';
	if (parsed?.protocol !== 'https:' || parsed.pathname !== NOTIFY_PATH || !isPlain) {
		throw new PushersError('invalid', `data.url: expected an https URL with the path ${NOTIFY_PATH}`);
	}
	return parsed;
}

/** Gives the form in which a pusher is stored. */
export function writePusher(pusher: Pusher, setTs: number): JsonObject {
	return {
		kind: pusher.kind,
		app_display_name: pusher.appDisplayName,
		device_display_name: pusher.deviceDisplayName,
		...(pusher.profileTag !== undefined && {profile_tag: pusher.profileTag}),
		lang: pusher.lang,
		data: pusher.data,
		enabled: pusher.isEnabled,
		set_ts: setTs,
	};
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Reads a pusher. */
export function readPusher({userId, deviceId, appId, pushkey, json}: PusherRow): SetPusher {
	return {
		userId,
		deviceId,
		appId,
		pushkey,
		kind: textOf(json['kind']),
		appDisplayName: textOf(json['app_display_name']),
		deviceDisplayName: textOf(json['device_display_name']),
		...(typeof json['profile_tag'] === 'string' && {profileTag: json['profile_tag']}),
		lang: textOf(json['lang']),
		data: isJsonObject(json['data']) ? json['data'] : {},
		isEnabled: json['enabled'] !== false,
		setTs: typeof json['set_ts'] === 'number' ? json['set_ts'] : 0,
	};
}

const PREFIX = 'push:';

/** Gives the name of the cursor that says how far a pusher has told of the stream. */
export function cursorName(userId: UserId, {appId, pushkey}: PusherKey): string {
	return PREFIX + JSON.stringify([userId, appId, pushkey]);
}

/** Gives what the names of the cursors of a user's pushers begin with; without one, those of all. */
export function cursorPrefix(userId?: UserId): string {
	return userId === undefined ? PREFIX : `${PREFIX}[${JSON.stringify(userId)},`;
}

/** Gives the name by which a change of a user's pushers is announced; pushkeys have no place in the stream. */
export function announcedName(userId: UserId): string {
	return PREFIX + JSON.stringify([userId]);
}

/** Gives whose pusher a cursor or an announcement is of; `undefined` where it is of something else. */
export function findCursorOwner(name: string | undefined): UserId | undefined {
	if (name?.startsWith(PREFIX) !== true) return undefined;
	const [userId] = JSON.parse(name.slice(PREFIX.length)) as [UserId];
	return userId;
}
