import {domainOf, type ServerName, type UserId} from '../../crypto/index.ts';
import type {Storage} from '../../storage/index.ts';

/** Who may know of people here: the settings `privacy` of the configuration, their default resolved. */
export type PrivacyScope = 'shared' | 'server' | 'partners' | 'open';

/** What somebody wants to know of somebody. */
export type Surface = 'profiles' | 'directory' | 'keys';

/** Who wants to know; `undefined` is anybody without an account. */
export type Asker = {readonly userId: UserId; readonly isAdmin: boolean; readonly isGuest: boolean} | undefined;

/** What the rule is built from. */
export interface VisibilityDependencies {
	readonly storage: Storage;
	readonly serverName: ServerName;
	readonly scopes: Readonly<Record<Surface, PrivacyScope>>;
	/** Whether a server is one of the listed partners. */
	readonly isPartner: (server: ServerName) => boolean;
}

/**
 * The stranger rule: may this caller learn that this user exists? Every path that mentions a user asks here first, and
 * answers a caller without the right the same whether there is such a user or not. The answer never depends on whether
 * the target exists.
 */
export interface Visibility {
	/** Whether a person (or, with `undefined`, anybody) may know of a user. */
	mayKnow(asker: Asker, target: UserId, surface: Surface): Promise<boolean>;
	/** Whether another server may know of a user of this server. */
	mayServerKnow(origin: ServerName, target: UserId, surface: Surface): Promise<boolean>;
	/** Whether the surface is open to callers without an account. */
	isOpen(surface: Surface): boolean;
}

/** Makes the rule. */
export function createVisibility({storage, serverName, scopes, isPartner}: VisibilityDependencies): Visibility {
	return {
		async mayKnow(asker, target, surface) {
			const scope = scopes[surface];
			if (scope === 'open') {
				return true;
			}
			if (asker === undefined) {
				return false;
			}
			if (asker.userId === target || asker.isAdmin) {
				return true;
			}
			if (scope !== 'shared' && !asker.isGuest && domainOf(target) === serverName) {
				return true;
			}
			return (await storage.memberships.sharesRoom(asker.userId, target)) || isInvited(storage, asker, target, surface);
		},
		async mayServerKnow(origin, target, surface) {
			const scope = scopes[surface];
			if (scope === 'open' || (scope === 'partners' && isPartner(origin))) {
				return true;
			}
			const servers = await storage.memberships.listPeerServers(target);
			if (servers.includes(origin) || surface !== 'keys') {
				return servers.includes(origin);
			}
			const invites = await storage.memberships.listOfUser(target, ['invite']);
			return invites.some(({sender}) => domainOf(sender) === origin);
		},
		isOpen: (surface) => scopes[surface] === 'open',
	};
}

/**
 * Whether an invite waits between the two: one knows who has invited one, and an inviter may encrypt for the invited.
 * Invites of names that nobody has are kept as others are, so this tells nobody who exists.
 */
async function isInvited(
	{memberships}: Storage,
	{userId}: NonNullable<Asker>,
	target: UserId,
	surface: Surface,
): Promise<boolean> {
	const received = await memberships.listOfUser(userId, ['invite']);
	if (received.some(({sender}) => sender === target)) {
		return true;
	}
	if (surface !== 'keys') {
		return false;
	}
	const sent = await memberships.listOfUser(target, ['invite']);
	return sent.some(({sender}) => sender === userId);
}
