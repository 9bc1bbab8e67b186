import type {UserId} from '../../crypto/index.ts';
import type {Pdu} from './pdu.ts';
import {roomVersion} from './versions.ts';

/**
 * Gives the user who made the room: `content.creator` up to room version 10, the create event's sender later.
 * Undefined if an old create event names nobody.
 */
export function creatorOf(create: Pdu): string | undefined {
	if (roomVersion(create.roomVersion).creatorIn === 'sender') return create.sender;
	const creator = create.content['creator'];
	return typeof creator === 'string' ? creator : undefined;
}

const unlimited = new WeakMap<Pdu, ReadonlySet<UserId>>();
const nobody: ReadonlySet<UserId> = new Set();

/**
 * Lists the users whose power level is infinite: from room version 12 on the create event's sender and
 * `additional_creators`, before nobody.
 * @see https://spec.matrix.org/v1.19/rooms/v12/#authorisation-rules
 */
export function unlimitedCreators(create: Pdu): ReadonlySet<UserId> {
	if (!roomVersion(create.roomVersion).creatorsAreUnlimited) return nobody;
	let creators = unlimited.get(create);
	if (creators === undefined) {
		const additional = create.content['additional_creators'];
		const others = Array.isArray(additional) ? additional.filter((user) => typeof user === 'string') : [];
		creators = new Set([create.sender, ...(others as UserId[])]);
		unlimited.set(create, creators);
	}
	return creators;
}
