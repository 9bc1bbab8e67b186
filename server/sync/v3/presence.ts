import type {UserId} from '../../../crypto/index.ts';
import {mayHavePresence} from './news.ts';
import type {SyncParts, View} from './view.ts';

/** People whose presence one answer tells of. */
const PEOPLE_MAX = 500;

/** Lists the presence of those who share a room with the user and whose presence changed, as JSON texts of events. */
export async function listPresence(parts: SyncParts, view: View): Promise<string[]> {
	if (!mayHavePresence(parts, view)) return [];
	const {ephemeral, storage} = parts;
	const {presence, epoch} = ephemeral;
	const {matches} = view.filter.presence;
	const after = view.since?.epoch === epoch ? view.since.seq : 0;
	const changed = presence
		.listChanged(after)
		.filter((userId) => matches === undefined || matches({type: 'm.presence', sender: userId}))
		.slice(0, PEOPLE_MAX);
	if (changed.length === 0) return [];
	const visible = new Set<UserId>(await storage.memberships.listSharing(view.userId, changed)).add(view.userId);
	return changed
		.filter((userId) => visible.has(userId))
		.map((userId) => JSON.stringify({type: 'm.presence', sender: userId, content: presence.describe(userId)}));
}
