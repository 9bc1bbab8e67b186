import type {DeviceId, EventId, RoomAlias, RoomId, ServerName, UserId} from '../../crypto/index.ts';
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

/** The specification's bound on identifiers, in bytes. */
const identifierBytesMax = 255;

/** The first characters that an identifier of the name may have. */
const sigilsOf: Readonly<Record<string, string>> = {
	eventId: '$',
	roomAlias: '#',
	roomId: '!',
	roomIdOrAlias: '!#',
	userId: '@',
};

const serverNamePattern = /^(?:[\dA-Za-z.-]{1,230}|\[[\da-fA-F:.]{2,45}\])(?::\d{1,5})?$/u;

/**
 * Decodes one segment of a path and checks what its name promises.
 * @throws MatrixError M_INVALID_PARAM for a bad escape, and for an identifier that is none
 */
export function readParameter(name: string, segment: string): string {
	const value = segment.includes('%') ? decodeSegment(name, segment) : segment;
	const sigils = sigilsOf[name];
	if (sigils !== undefined) {
		const isIdentifier =
			value.length > 1 && sigils.includes(value[0]!) && Buffer.byteLength(value) <= identifierBytesMax;
		if (!isIdentifier) {
			throw new MatrixError('M_INVALID_PARAM', `The ${name} in the path is not valid`);
		}
	} else if (name === 'serverName' && !serverNamePattern.test(value)) {
		throw new MatrixError('M_INVALID_PARAM', 'The serverName in the path is not valid');
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
