import {isRoomAlias, type JsonObject, type RoomAlias, type RoomId} from '../../crypto/index.ts';
import type {Actor, RoomsContext} from './context.ts';
import {RoomsError} from './errors.ts';
import {getAlias} from './find-room.ts';

/** New aliases that one event may bring; each may cost a question to another server. */
const NEW_ALIASES_MAX = 20;

/**
 * Checks that the aliases which an `m.room.canonical_alias` event adds are aliases and name the room. Those that were
 * there before are not looked at.
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidstateeventtypestatekey
 * @throws RoomsError 'invalid-parameter', 'bad-alias'
 */
export async function mustNameRoom(
	context: RoomsContext,
	actor: Actor,
	roomId: RoomId,
	content: JsonObject,
	before: JsonObject,
): Promise<void> {
	const known = new Set(aliasesIn(before));
	const added = aliasesIn(content).filter((alias) => !known.has(alias));
	if (added.length > NEW_ALIASES_MAX) {
		throw new RoomsError('invalid-parameter', `At most ${NEW_ALIASES_MAX} aliases can be added at once`);
	}
	if (!added.every((alias) => isRoomAlias(alias))) {
		throw new RoomsError('invalid-parameter', 'Expected alias and alt_aliases to be room aliases');
	}
	const named = await Promise.all(added.map((alias) => findNamed(context, actor, alias)));
	if (!named.every((found) => found === roomId)) {
		throw new RoomsError('bad-alias', 'Not every alias points to this room');
	}
}

/** Lists what an event names as aliases, of whatever form. */
function aliasesIn({alias, alt_aliases: others}: JsonObject): unknown[] {
	const main = alias === undefined || alias === null || alias === '' ? [] : [alias];
	return [...main, ...(Array.isArray(others) ? others : others === undefined ? [] : [others])];
}

async function findNamed(context: RoomsContext, actor: Actor, alias: RoomAlias): Promise<RoomId | undefined> {
	try {
		return (await getAlias(context, actor, alias)).roomId;
	} catch (error) {
		if (error instanceof RoomsError) return undefined;
		throw error;
	}
}

/** Gives the content without an alias; `undefined` where it does not name it. */
export function withoutAlias(content: JsonObject, gone: RoomAlias): JsonObject | undefined {
	const {alias, alt_aliases: others, ...rest} = content;
	const kept = Array.isArray(others) ? others.filter((other) => other !== gone) : others;
	const isNamed = alias === gone || (Array.isArray(others) && Array.isArray(kept) && kept.length < others.length);
	if (!isNamed) return undefined;
	const hasOthers = kept !== undefined && !(Array.isArray(kept) && kept.length === 0);
	return {
		...rest,
		...(alias !== undefined && alias !== gone && {alias}),
		...(hasOthers && {alt_aliases: kept}),
	};
}
