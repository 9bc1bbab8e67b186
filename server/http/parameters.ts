import {
	type DeviceId,
	type EventId,
	isDeviceId,
	isMediaId,
	isRoomAlias,
	isRoomId,
	isServerName,
	isUserId,
	type MediaId,
	type RoomAlias,
	type RoomId,
	type ServerName,
	type UserId,
} from '../../crypto/index.ts';
import {MatrixError} from './errors.ts';

/** Names of parameters of a path literal: `'roomId' | 'userId'` of `/rooms/:roomId/members/:userId`. */
type NamesOf<Path extends string> = Path extends `${infer Head}/${infer Tail}`
	? NamesOf<Head> | NamesOf<Tail>
	: Path extends `:${infer Name}`
		? Name
		: never;

/** Parameters of these names are identifiers, checked before the handler runs. */
interface ParameterTypes {
	readonly deviceId: DeviceId;
	readonly eventId: EventId;
	readonly mediaId: MediaId;
	readonly roomAlias: RoomAlias;
	readonly roomId: RoomId;
	readonly roomIdOrAlias: RoomId | RoomAlias;
	readonly serverName: ServerName;
	readonly userId: UserId;
}

/** The decoded parameters of a path; what only an alternative path names is the empty string where it is absent. */
export type ParametersOf<Path extends string> = {
	readonly [Name in NamesOf<Path>]: Name extends keyof ParameterTypes ? ParameterTypes[Name] : string;
};

/** What the names of parameters promise. */
const checkOfName: Readonly<Record<string, (value: string) => boolean>> = {
	deviceId: isDeviceId,
	// Any opaque text: an event id of no room version names an event that is not here, which is for the handler to say.
	eventId: (value) => value.startsWith('$') && Buffer.byteLength(value) <= identifierBytesMax,
	mediaId: isMediaId,
	roomAlias: isRoomAlias,
	roomId: isRoomId,
	roomIdOrAlias: (value) => isRoomId(value) || isRoomAlias(value),
	serverName: isServerName,
	userId: isUserId,
};

/** The specification's bound on identifiers, in bytes. */
const identifierBytesMax = 255;

/**
 * Decodes one segment of a path and checks what its name promises.
 * @throws MatrixError M_INVALID_PARAM for a bad escape, and for an identifier that is none
 */
export function readParameter(name: string, segment: string): string {
	const value = segment.includes('%') ? decodeSegment(name, segment) : segment;
	if (checkOfName[name]?.(value) === false) {
		throw new MatrixError('M_INVALID_PARAM', `The ${name} in the path is not valid`);
	}
	return value;
}

function decodeSegment(name: string, segment: string): string {
	try {
		return decodeURIComponent(segment);
	} catch (cause) {
		throw new MatrixError('M_INVALID_PARAM', `The ${name} in the path is not valid percent-encoded UTF-8`, {cause});
	}
}
