import type {UserId} from '../../crypto/index.ts';
import {listAllowedRooms, membershipOf, type Pdu} from '../rooms/index.ts';
import type {InboundContext} from './access.ts';

/** Whether somebody meets a condition of a restricted room; `unknown` where that lies in rooms that nobody here is in. */
export type Condition = 'met' | 'unmet' | 'unknown';

/** Says whether a user is in one of the rooms whose members a join rule lets in. */
export async function findCondition(
	{engine, storage}: Pick<InboundContext, 'engine' | 'storage'>,
	joinRules: Pdu | undefined,
	userId: UserId,
): Promise<Condition> {
	let isEveryRoomKnown = true;
	for (const allowed of listAllowedRooms(joinRules)) {
		const room = await engine.findRoom(allowed);
		const isHere = room && (await storage.memberships.listLocalJoined(allowed)).length > 0;
		if (!isHere) isEveryRoomKnown = false;
		else if (membershipOf(await room.findState('m.room.member', userId)) === 'join') return 'met';
	}
	return isEveryRoomKnown ? 'unmet' : 'unknown';
}
