import type {UserId} from '../../../crypto/index.ts';
import type {MembershipRow} from '../../../storage/index.ts';
import {hasMoved} from './device.ts';
import {mayHavePresence} from './news.ts';
import type {SyncParts, View} from './view.ts';

/** People whose presence one answer tells of. */
const PEOPLE_MAX = 500;

/**
 * Lists the presence of those who share a room with the user and whose presence changed, or who have met the user since, as
 * JSON texts of events. `touched` are the rooms of the user in which anything happened.
 */
export async function listPresence(parts: SyncParts, view: View, touched: readonly MembershipRow[]): Promise<string[]> {
	const {ephemeral, storage} = parts;
	const {presence, epoch} = ephemeral;
	const {matches} = view.filter.presence;
	const met = await listMet(parts, view, touched);
	if (met.length === 0 && !mayHavePresence(parts, view)) return [];
	const after = view.since?.epoch === epoch ? view.since.seq : 0;
	const changed = [...new Set([...presence.listChanged(after), ...met])]
		.filter((userId) => matches === undefined || matches({type: 'm.presence', sender: userId}))
		.slice(0, PEOPLE_MAX);
	if (changed.length === 0) return [];
	const visible = new Set<UserId>(await storage.memberships.listSharing(view.userId, changed)).add(view.userId);
	return changed
		.filter((userId) => visible.has(userId))
		.map((userId) => JSON.stringify({type: 'm.presence', sender: userId, content: presence.describe(userId)}));
}

/** Lists whom the user has met since the token, and of whom there is anything to tell. */
async function listMet(
	{ephemeral: {presence}, positions, encryption}: SyncParts,
	{userId, since, upto}: View,
	touched: readonly MembershipRow[],
): Promise<UserId[]> {
	if (!presence.isOn || since === undefined || !hasMoved(positions, touched, since.pos)) return [];
	const met = await encryption.listMet(userId, since.pos, upto);
	return met.filter((other) => presence.find(other) !== undefined);
}
