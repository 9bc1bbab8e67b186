import {domainOf, type ServerName, type UserId} from '../../crypto/index.ts';
import {type Clock, waitForTick} from '../../federation/engine/index.ts';
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
	/** Whether another server is shown what this one lists for everybody here: the partners are, and with `open` all. */
	mayServerList(origin: ServerName): boolean;
	/** Asks something whose refusal, thrown, must not tell by its time what there is: that leaves at a tick of the grid. */
	refuseOnGrid<T>(ask: () => Promise<T>): Promise<T>;
	/** Does something whose success must not tell either: whatever comes of it leaves at a tick of the grid. */
	answerOnGrid<T>(act: () => Promise<T>): Promise<T>;
}

/** Makes the rule. */
export function createVisibility(dependencies: VisibilityDependencies): Visibility {
	const {storage, scopes} = dependencies;

	const filterKnown: Visibility['filterKnown'] = (asker, targets, surface) =>
		onGrid(dependencies, targets, async () => {
			const known = await filterAcquainted(dependencies, asker, targets, surface);
			for (const target of targets) {
				if (asker !== undefined && !known.has(target) && (await isInOpenRoom(storage, target))) known.add(target);
			}
			return known;
		});

	const filterKnownToServer: Visibility['filterKnownToServer'] = (origin, targets, surface) =>
		onGrid(dependencies, targets, () => filterServerAcquainted(dependencies, origin, targets, surface));

	return {
		isAcquainted: async (asker, target, surface) =>
			(await filterAcquainted(dependencies, asker, [target], surface)).has(target),
		isServerAcquainted: async (origin, target, surface) =>
			(await filterServerAcquainted(dependencies, origin, [target], surface)).has(target),
		filterKnown,
		filterKnownToServer,
		mayKnow: async (asker, target, surface) => (await filterKnown(asker, [target], surface)).has(target),
		mayServerKnow: async (origin, target, surface) =>
			(await filterKnownToServer(origin, [target], surface)).has(target),
		isOpen: (surface) => scopes[surface] === 'open',
		mayServerList: (origin) => scopes.directory === 'open' || dependencies.isPartner(origin),
		async refuseOnGrid(ask) {
			const begunMs = dependencies.clock.monotonic();
			try {
				return await ask();
			} catch (error) {
				await waitForTick(dependencies.clock, begunMs, GRID_MS);
				throw error;
			}
		},
		async answerOnGrid(act) {
			const begunMs = dependencies.clock.monotonic();
			try {
				return await act();
			} finally {
				await waitForTick(dependencies.clock, begunMs, GRID_MS);
			}
		},
	};
}

/** With whom of the targets a person has to do, in a few reads for all. */
async function filterAcquainted(
	dependencies: VisibilityDependencies,
	asker: Asker,
	targets: readonly UserId[],
	surface: Surface,
): Promise<Set<UserId>> {
	const {storage} = dependencies;
	const known = new Set(targets.filter((target) => isPermitted(dependencies, asker, target, surface)));
	const rest = targets.filter((target) => !known.has(target));
	if (asker === undefined || rest.length === 0) return known;
	for (const target of await storage.memberships.listSharing(asker.userId, rest)) known.add(target);
	const strangers = rest.filter((target) => !known.has(target));
	for (const target of await listInvited(storage, asker, strangers, surface)) known.add(target);
	return known;
}

/** Whether nothing has to be looked up for an asker to know of a target. */
function isPermitted(
	{scopes, serverName}: VisibilityDependencies,
	asker: Asker,
	target: UserId,
	surface: Surface,
): boolean {
	const scope = scopes[surface];
	if (scope === 'open') return true;
	if (asker === undefined) return false;
	if (asker.userId === target || asker.isAdmin) return true;
	return scope !== 'shared' && !asker.isGuest && domainOf(target) === serverName;
}

/**
 * With whom of the targets an invite waits between the two: one knows who has invited one, and an inviter may encrypt for
 * the invited. Invites of names that nobody has are kept as others are, so this tells nobody who exists.
 */
async function listInvited(
	{memberships}: Storage,
	{userId}: NonNullable<Asker>,
	targets: readonly UserId[],
	surface: Surface,
): Promise<UserId[]> {
	if (targets.length === 0) return [];
	const received = new Set((await memberships.listOfUser(userId, ['invite'])).map(({sender}) => sender));
	const inviters = targets.filter((target) => received.has(target));
	if (surface !== 'keys') return inviters;
	const sent = await memberships.listInvites(targets);
	return [...inviters, ...sent.filter(({sender}) => sender === userId).map((row) => row.userId)];
}

/** With whom of the targets another server has to do, likewise. */
async function filterServerAcquainted(
	{storage: {memberships}, scopes, isPartner}: VisibilityDependencies,
	origin: ServerName,
	targets: readonly UserId[],
	surface: Surface,
): Promise<Set<UserId>> {
	const scope = scopes[surface];
	if (scope === 'open' || (scope === 'partners' && isPartner(origin))) return new Set(targets);
	const known = new Set(await memberships.listSharingWithServer(origin, targets));
	if (surface !== 'keys') return known;
	const strangers = targets.filter((target) => !known.has(target));
	for (const {userId, sender} of await memberships.listInvites(strangers)) {
		if (domainOf(sender) === origin) known.add(userId);
	}
	return known;
}

async function onGrid(
	{clock}: Pick<VisibilityDependencies, 'clock'>,
	targets: readonly UserId[],
	filter: () => Promise<ReadonlySet<UserId>>,
): Promise<ReadonlySet<UserId>> {
	const begunMs = clock.monotonic();
	const known = await filter();
	if (!targets.every((target) => known.has(target))) await waitForTick(clock, begunMs, GRID_MS);
	return known;
}
