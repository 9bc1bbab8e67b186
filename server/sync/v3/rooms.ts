import {setImmediate as nextTurn} from 'node:timers/promises';
import type {RoomId} from '../../../crypto/index.ts';
import {type MembershipRow, StorageError} from '../../../storage/index.ts';
import {objectText} from '../../events/index.ts';
import {renderJoinedRoom} from './joined-room.ts';
import {renderOutsideRoom} from './invited-room.ts';
import {renderLeftRoom} from './left-room.ts';
import type {SyncParts, View} from './view.ts';

/** A long answer lets others have their turn after so long. */
const TURN_MS = 5;

type Section = 'join' | 'invite' | 'knock' | 'leave';

/** Gives those rooms of an answer that tell anything as JSON text; `undefined` where none does. */
export async function renderRooms(
	parts: SyncParts,
	view: View,
	rows: readonly MembershipRow[],
): Promise<string | undefined> {
	if (rows.length === 0) return undefined;
	const sections: Record<Section, Map<RoomId, string>> = {
		join: new Map(),
		invite: new Map(),
		knock: new Map(),
		leave: new Map(),
	};
	let turnEndsMs = performance.now() + TURN_MS;
	for (const row of rows) {
		if (!view.filter.mayShowRoom(row.roomId)) continue;
		const section = row.membership === 'ban' ? 'leave' : row.membership;
		const text = await renderReadable(parts, view, row);
		if (text !== undefined) sections[section].set(row.roomId, text);
		if (performance.now() > turnEndsMs) {
			await nextTurn();
			turnEndsMs = performance.now() + TURN_MS;
		}
	}
	const filled = Object.entries(sections).filter(([, rooms]) => rooms.size > 0);
	if (filled.length === 0) return undefined;
	return objectText(
		Object.fromEntries(filled.map(([section, rooms]) => [section, objectText(Object.fromEntries(rooms))])),
	);
}

/** A room that is damaged in the database is left out, and costs nobody their other rooms. */
async function renderReadable(parts: SyncParts, view: View, row: MembershipRow): Promise<string | undefined> {
	try {
		return await renderRoom(parts, view, row);
	} catch (cause) {
		if (!(cause instanceof StorageError) || cause.code !== 'corrupt') throw cause;
		parts.onDamage?.(cause);
		return undefined;
	}
}

async function renderRoom(parts: SyncParts, view: View, row: MembershipRow): Promise<string | undefined> {
	const {membership, pos, sender, forgotten} = row;
	const isNew = view.since === undefined || pos > view.since.pos;
	// A device that begins anew still shows the rooms that were left meanwhile.
	const isGone = view.outdated !== undefined && pos > view.outdated.pos;
	switch (membership) {
		case 'join':
			return renderJoinedRoom(parts, view, row);
		case 'invite':
			return isNew && isWantedInvite(view, sender) ? renderOutsideRoom(parts, row) : undefined;
		case 'knock':
			return isNew ? renderOutsideRoom(parts, row) : undefined;
		case 'leave':
		case 'ban':
			return isNew && (view.since !== undefined || (view.filter.includesLeft && !forgotten) || isGone)
				? renderLeftRoom(parts, view, row)
				: undefined;
		default:
			return membership satisfies never;
	}
}

/** Invites that are not shown are there all the same, for who changes their mind. */
function isWantedInvite({unwanted: {invites, users}}: View, sender: string): boolean {
	return !invites && !users.has(sender);
}
