import type {InvitePolicy} from '../../federation/inbound/index.ts';
import type {Storage} from '../../storage/index.ts';
import type {Visibility} from '../visibility/index.ts';

/** Decides about invites of other servers by what our users have said of invites. */
export function createInvitePolicy(storage: Storage, visibility: Visibility): InvitePolicy {
	return {
		admit: (origin, userId) => visibility.mayServerInvite(origin, userId),
		async blocks(origin, userId) {
			if (!(await visibility.filterKnownToServer(origin, [userId], 'profiles')).has(userId)) return false;
			const data = await storage.accountData.find(userId, null, 'm.invite_permission_config');
			return data?.content?.['default_action'] === 'block';
		},
		hasAccount: async (userId) => (await storage.accounts.find(userId))?.isDeactivated === false,
	};
}
