import {isIPv4, isIPv6} from 'node:net';

declare const brand: unique symbol;
type Branded<Name extends string> = string & {readonly [brand]: Name};

/** `@localpart:server`. */
export type UserId = Branded<'UserId'>;
/** `!opaque:server`, or from room version 12 on `!` and 43 characters of the create event's hash. */
export type RoomId = Branded<'RoomId'>;
/** `$opaque:server` in room versions 1 and 2, `$` and 43 base64 characters later. */
export type EventId = Branded<'EventId'>;
/** `#localpart:server`. */
export type RoomAlias = Branded<'RoomAlias'>;
/** `host` or `host:port`, as in the specification's server name grammar; case-sensitive. */
export type ServerName = Branded<'ServerName'>;
/** A device's id, opaque, at most 255 bytes. */
export type DeviceId = Branded<'DeviceId'>;
/** A server signing key's id: `ed25519:` and a version of letters, digits and `_`. */
export type KeyId = Branded<'KeyId'>;
/** The opaque part of a content URI: letters, digits, `_` and `-`. */
export type MediaId = Branded<'MediaId'>;

/** The specification's limit for every identifier, sigil and server name included. */
const identifierBytesMax = 255;

/** How a room version writes its event ids: 1 and 2, 3, from 4 on. */
export type EventIdShape = 'domain' | 'base64' | 'base64url';

/** The parts of a server name. */
export interface ServerAddress {
	/** Without the brackets of an IPv6 literal. */
	readonly host: string;
	readonly kind: 'dns' | 'ipv4' | 'ipv6';
	/** Absent if the name has none. */
	readonly port: number | undefined;
}

/** The parts of a content URI, `mxc://server/media`. */
export interface MxcUri {
	readonly serverName: ServerName;
	readonly mediaId: MediaId;
}

/** Tells whether a value is a server name by the grammar. @see https://spec.matrix.org/v1.19/appendices/#server-name */
export function isServerName(value: unknown): value is ServerName {
	if (typeof value !== 'string' || value.length > identifierBytesMax) return false;
	return dnsServerName.test(value) || ipv4ServerName.test(value) || parseServerName(value) !== undefined;
}

// What has one of these forms need not be taken apart to be told, which takes several times as long.
const dnsServerName = /^(?!\d+(?:\.\d+){3}(?::|$))(?:[\dA-Za-z-]+\.)*[\dA-Za-z-]+\.?(?::(?:[1-5]\d{4}|\d{1,4}))?$/;
const ipv4ServerName = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.|(?=:|$))){4}(?::(?:[1-5]\d{4}|\d{1,4}))?$/;

const serverNameParts = /^(?:\[(?<ipv6>[0-9A-Fa-f:.]{2,45})\]|(?<name>[0-9A-Za-z.-]{1,255}))(?::(?<port>\d{1,5}))?$/;
const labels = /^(?:[0-9A-Za-z-]+\.)*[0-9A-Za-z-]+\.?$/;
const dottedQuad = /^\d+\.\d+\.\d+\.\d+$/;

/** Takes a server name apart; absent if it is none. */
export function parseServerName(name: string): ServerAddress | undefined {
	if (name.length > identifierBytesMax) return undefined;
	const groups = serverNameParts.exec(name)?.groups;
	if (groups === undefined) return undefined;
	const port = groups['port'] === undefined ? undefined : Number(groups['port']);
	if (port !== undefined && port > 65_535) return undefined;
	const {ipv6, name: host} = groups;
	if (ipv6 !== undefined) return isIPv6(ipv6) ? {host: ipv6, kind: 'ipv6', port} : undefined;
	if (host === undefined) return undefined;
	// The grammar alone would let `..` in; no name has empty labels, but for the root after a last dot.
	if (!dottedQuad.test(host)) return labels.test(host) ? {host, kind: 'dns', port} : undefined;
	return isIPv4(host) ? {host, kind: 'ipv4', port} : undefined;
}

/**
 * Tells whether a value is a user id that a server must accept in events: any well-formed localpart, even an empty one,
 * without `:` and NUL.
 * @see https://spec.matrix.org/v1.19/appendices/#historical-user-ids
 */
export function isUserId(value: unknown): value is UserId {
	return isCommonIdentifier(value, '@');
}

/** Tells whether a user id may be shown outside of events: its localpart is not empty and all of U+0021 to U+007E. */
export function isCompliantUserId(value: unknown): value is UserId {
	return isUserId(value) && /^@[!-9;-~]+:/.test(value);
}

/** Tells whether a value is a user id of the form that new accounts have. @see https://spec.matrix.org/v1.19/appendices/#user-identifiers */
export function isStrictUserId(value: unknown): value is UserId {
	return isUserId(value) && isStrictLocalpart(localpartOf(value));
}

/** Tells whether a value may be the localpart of a new account; the length of the whole id is not looked at. */
export function isStrictLocalpart(value: unknown): value is string {
	return typeof value === 'string' && /^[a-z0-9._=/+-]+$/.test(value);
}

/** Tells whether a value is a room id of any room version. @see https://spec.matrix.org/v1.19/appendices/#room-ids */
export function isRoomId(value: unknown): value is RoomId {
	return isHashRoomId(value) || isDomainRoomId(value);
}

/** Tells whether a value is a room id as in room versions 1 to 11: `!opaque:server`. */
export function isDomainRoomId(value: unknown): value is RoomId {
	return isCommonIdentifier(value, '!');
}

/** Tells whether a value is a room id as from room version 12 on: `!` and 43 characters of URL-safe base64. */
export function isHashRoomId(value: unknown): value is RoomId {
	return typeof value === 'string' && /^![A-Za-z0-9_-]{43}$/.test(value);
}

/** Tells whether a value is an event id of any room version. @see https://spec.matrix.org/v1.19/appendices/#event-ids */
export function isEventId(value: unknown): value is EventId {
	return isEventIdOfShape(value, 'base64url') || isEventIdOfShape(value, 'base64') || isEventIdOfShape(value, 'domain');
}

/** Tells whether a value is an event id as one room version writes them. */
export function isEventIdOfShape(value: unknown, shape: EventIdShape): value is EventId {
	if (shape === 'domain') return isCommonIdentifier(value, '$');
	return typeof value === 'string' && hashEventIds[shape].test(value);
}

const hashEventIds = {base64: /^\$[A-Za-z0-9+/]{43}$/, base64url: /^\$[A-Za-z0-9_-]{43}$/};

/** Tells whether a value is a room alias. @see https://spec.matrix.org/v1.19/appendices/#room-aliases */
export function isRoomAlias(value: unknown): value is RoomAlias {
	return isCommonIdentifier(value, '#');
}

/** Tells whether a value may be a device id: opaque, well-formed, without control characters, 1 to 255 bytes. */
export function isDeviceId(value: unknown): value is DeviceId {
	return typeof value === 'string' && value !== '' && isOpaque(value) && !controlCharacter.test(value);
}

/** Tells whether a value is a server signing key's id. @see https://spec.matrix.org/v1.19/server-server-api/#publishing-keys */
export function isKeyId(value: unknown): value is KeyId {
	return typeof value === 'string' && value.length <= identifierBytesMax && /^ed25519:[A-Za-z0-9_]+$/.test(value);
}

/** Tells whether a value may be a media id; nothing in it can lead out of a directory. */
export function isMediaId(value: unknown): value is MediaId {
	return typeof value === 'string' && /^[A-Za-z0-9_-]{1,255}$/.test(value);
}

/** Takes a content URI apart; absent if it is none. @see https://spec.matrix.org/v1.19/client-server-api/#matrix-content-mxc-uris */
export function parseMxcUri(value: unknown): MxcUri | undefined {
	if (typeof value !== 'string') return undefined;
	const parts = /^mxc:\/\/(?<server>[^/]+)\/(?<media>[^/]+)$/.exec(value)?.groups;
	const [server, media] = [parts?.['server'], parts?.['media']];
	return isServerName(server) && isMediaId(media) ? {serverName: server, mediaId: media} : undefined;
}

/** Gives the server name of an identifier; absent for ids that are hashes. The identifier must have been checked. */
export function domainOf(id: UserId | RoomAlias): ServerName;
export function domainOf(id: UserId | RoomAlias | RoomId | EventId): ServerName | undefined;
export function domainOf(id: string): ServerName | undefined {
	const colon = id.indexOf(':');
	// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the checked id says so
	return colon === -1 ? undefined : (id.slice(colon + 1) as ServerName);
}

/** Gives what stands between the sigil and the first colon. */
export function localpartOf(id: UserId | RoomAlias): string {
	return id.slice(1, id.indexOf(':'));
}

// Line breaks, NUL and the like have no place in what is printed, compared and put into paths.
// oxlint-disable-next-line no-control-regex
const controlCharacter = /[\u0000-\u001f\u007f]/;

/** `&localpart:server`, whose localpart is any well-formed text without `:` and NUL. */
function isCommonIdentifier(value: unknown, sigil: string): boolean {
	if (typeof value !== 'string' || !value.startsWith(sigil)) return false;
	const colon = value.indexOf(':');
	return colon !== -1 && isOpaque(value) && !value.includes('\0') && isServerName(value.slice(colon + 1));
}

function isOpaque(value: string): boolean {
	if (value.length > identifierBytesMax || !value.isWellFormed()) return false;
	// No code unit takes more than three bytes.
	return value.length * 3 <= identifierBytesMax || Buffer.byteLength(value) <= identifierBytesMax;
}
