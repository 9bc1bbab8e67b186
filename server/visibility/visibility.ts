import {domainOf, type ServerName, type UserId} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import type {Storage} from '../../storage/index.ts';
import {isInOpenRoom} from './open-rooms.ts';

/**
 * A refusal comes at the next tick of this grid since it was asked: how much there was to look at, as with somebody in many
 * rooms and with nobody at all, then shows in no clock.
 */
const GRID_MS = 20;

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
	readonly clock: Pick<Clock, 'monotonic' | 'setTimer'>;
}

/**
 * The stranger rule: may this caller learn that this user exists? Every path that mentions a user asks here first, and
 * answers a caller without the right the same whether there is such a user or not. The answer never depends on whether
 * the target exists.
 */
export interface Visibility {
	/** Whether a person (or, with `undefined`, anybody) may know of a user. */
	mayKnow(asker: Asker, target: UserId, surface: Surface): Promise<boolean>;
	/** Of which users a person may know. */
	filterKnown(asker: Asker, targets: readonly UserId[], surface: Surface): Promise<ReadonlySet<UserId>>;
	/**
	 * Whether they have to do with each other: as `mayKnow`, but that a user is in some public room is no reason, and a
	 * refusal does not wait: for questions that are not about the user.
	 */
	isAcquainted(asker: Asker, target: UserId, surface: Surface): Promise<boolean>;
	/** Likewise of another server. */
	isServerAcquainted(origin: ServerName, target: UserId, surface: Surface): Promise<boolean>;
	/** Whether another server may know of a user of this server. */
	mayServerKnow(origin: ServerName, target: UserId, surface: Surface): Promise<boolean>;
	/** Of which users of this server another one may know. */
	filterKnownToServer(origin: ServerName, targets: readonly UserId[], surface: Surface): Promise<ReadonlySet<UserId>>;
	/** Whether the surface is open to callers without an account. */
	isOpen(surface: Surface): boolean;
}

/** Makes the rule. */
export function createVisibility(dependencies: VisibilityDependencies): Visibility {
	const {storage, serverName, scopes, isPartner} = dependencies;

	async function isAcquainted(asker: Asker, target: UserId, surface: Surface): Promise<boolean> {
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
	}

	async function isServerAcquainted(origin: ServerName, target: UserId, surface: Surface): Promise<boolean> {
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
	}

	const filterKnown: Visibility['filterKnown'] = (asker, targets, surface) =>
		filterOnGrid(dependencies, targets, async (target) => {
			if (await isAcquainted(asker, target, surface)) return true;
			return asker !== undefined && isInOpenRoom(storage, target);
		});

	const filterKnownToServer: Visibility['filterKnownToServer'] = (origin, targets, surface) =>
		filterOnGrid(dependencies, targets, (target) => isServerAcquainted(origin, target, surface));

	return {
		isAcquainted,
		isServerAcquainted,
		filterKnown,
		filterKnownToServer,
		mayKnow: async (asker, target, surface) => (await filterKnown(asker, [target], surface)).has(target),
		mayServerKnow: async (origin, target, surface) =>
			(await filterKnownToServer(origin, [target], surface)).has(target),
		isOpen: (surface) => scopes[surface] === 'open',
	};
}

async function filterOnGrid(
	{clock}: Pick<VisibilityDependencies, 'clock'>,
	targets: readonly UserId[],
	ask: (target: UserId) => Promise<boolean>,
): Promise<ReadonlySet<UserId>> {
	const begunMs = clock.monotonic();
	const known = new Set<UserId>();
	for (const target of targets) if (await ask(target)) known.add(target);
	if (targets.every((target) => known.has(target))) return known;
	const elapsedMs = clock.monotonic() - begunMs;
	await new Promise<void>((resolve) => {
		clock.setTimer(GRID_MS - (elapsedMs % GRID_MS), resolve);
	});
	return known;
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
