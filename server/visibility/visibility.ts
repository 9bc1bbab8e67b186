import {domainOf, type ServerName, type UserId} from '../../crypto/index.ts';
import {type Clock, waitForTick} from '../../federation/engine/index.ts';
import type {Storage} from '../../storage/index.ts';
import type {BridgedNames} from '../appservices/index.ts';
import type {FactBudget} from './fact-budget.ts';
import type {FactAsker} from './facts.ts';
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
	readonly facts: FactBudget;
	readonly bridged: BridgedNames;
	readonly clock: Pick<Clock, 'monotonic' | 'setTimer'>;
}

/**
 * The stranger rule: may this caller learn that this user exists? Every path that mentions a user asks here first, and
 * answers a caller without the right the same whether there is such a user or not. The answer never depends on whether
 * the target exists. Names of application services are known to members of rooms with them, whom they invited,
 * administrators and their own service alone, whatever the settings say, except `open`.
 */
export interface Visibility {
	/** Whether a person (or, with `undefined`, anybody) may know of a user. */
	mayKnow(asker: Asker, target: UserId, surface: Surface): Promise<boolean>;
	/**
	 * Of which users a person may know. A search of the directory does not wait here: it finds some names first, and so
	 * would take a tick more where it has found any. It leaves at a tick as a whole.
	 */
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
	/**
	 * Lets somebody turn to people with an invite, whose acceptance tells that there are such people: each whom they may
	 * not know is a fact of their day. @throws FactsSpentError
	 */
	mayInvite(asker: NonNullable<Asker>, targets: readonly UserId[]): Promise<void>;
	/** Lets another server invite a user of this one, likewise. @throws FactsSpentError */
	mayServerInvite(origin: ServerName, target: UserId): Promise<void>;
	/** Whether somebody may know of all people here, so that nothing they ask is counted. */
	mayKnowAll(asker: Asker, surface: Surface): boolean;
	/** Likewise another server. */
	mayServerKnowAll(origin: ServerName, surface: Surface): boolean;
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
	const {scopes, facts, clock} = dependencies;

	const filterKnown: Visibility['filterKnown'] = (asker, targets, surface) => {
		// The directory's names are its own, and no question about anybody.
		if (surface === 'directory') return filterKnownTo(dependencies, asker, targets, surface);
		return onGrid(dependencies, targets, async () => {
			const known = await filterKnownTo(dependencies, asker, targets, surface);
			await facts.noteProbes(asker && asPerson(asker), without(targets, known));
			return known;
		});
	};

	const filterKnownToServer: Visibility['filterKnownToServer'] = (origin, targets, surface) =>
		onGrid(dependencies, targets, async () => {
			const known = await filterServerAcquainted(dependencies, origin, targets, surface);
			await facts.noteProbes({kind: 'server', name: origin}, without(targets, known));
			return known;
		});

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
		async mayInvite(asker, targets) {
			const known = await onGrid(dependencies, targets, () => filterKnownTo(dependencies, asker, targets, 'profiles'));
			await facts.learn({asker: asPerson(asker), topic: 'person'}, without(targets, known));
		},
		async mayServerInvite(origin, target) {
			const known = await filterServerAcquainted(dependencies, origin, [target], 'profiles');
			await facts.learn({asker: {kind: 'server', name: origin}, topic: 'person'}, without([target], known));
		},
		mayKnowAll: (asker, surface) => knowsAll(dependencies, asker, surface),
		mayServerKnowAll: (origin, surface) => serverKnowsAll(dependencies, origin, surface),
		isOpen: (surface) => scopes[surface] === 'open',
		mayServerList: (origin) => scopes.directory === 'open' || dependencies.isPartner(origin),
		async refuseOnGrid(ask) {
			const begunMs = clock.monotonic();
			try {
				return await ask();
			} catch (error) {
				await waitForTick(clock, begunMs, GRID_MS);
				throw error;
			}
		},
		async answerOnGrid(act) {
			const begunMs = clock.monotonic();
			try {
				return await act();
			} finally {
				await waitForTick(clock, begunMs, GRID_MS);
			}
		},
	};
}

const asPerson = ({userId}: NonNullable<Asker>): FactAsker => ({kind: 'person', name: userId});

const without = (targets: readonly UserId[], known: ReadonlySet<UserId>): UserId[] =>
	targets.filter((target) => !known.has(target));

/** Of whom a person may know: whom they have to do with, and who is in some room that anybody may join or read. */
async function filterKnownTo(
	dependencies: VisibilityDependencies,
	asker: Asker,
	targets: readonly UserId[],
	surface: Surface,
): Promise<Set<UserId>> {
	const {storage, bridged} = dependencies;
	const known = await filterAcquainted(dependencies, asker, targets, surface);
	const strangers = asker === undefined ? [] : without(targets, known);
	if (strangers.length === 0) return known;
	const services = await bridged.findServices(strangers);
	for (const target of strangers) {
		if (!services.has(target) && (await isInOpenRoom(storage, target))) known.add(target);
	}
	return known;
}

/** With whom of the targets a person has to do, in a few reads for all. */
async function filterAcquainted(
	dependencies: VisibilityDependencies,
	asker: Asker,
	targets: readonly UserId[],
	surface: Surface,
): Promise<Set<UserId>> {
	const {storage, scopes} = dependencies;
	if (scopes[surface] === 'open') return new Set(targets);
	if (asker === undefined) return new Set();
	const known = await filterPermitted(dependencies, asker, targets, surface);
	const rest = without(targets, known);
	if (rest.length === 0) return known;
	for (const target of await storage.memberships.listSharing(asker.userId, rest)) known.add(target);
	for (const target of await listInvited(dependencies, asker, without(rest, known), surface)) known.add(target);
	return known;
}

/** Whom an asker may know without anything between the two: everybody of this server, or themselves alone. */
async function filterPermitted(
	dependencies: VisibilityDependencies,
	asker: NonNullable<Asker>,
	targets: readonly UserId[],
	surface: Surface,
): Promise<Set<UserId>> {
	const {serverName, bridged} = dependencies;
	if (asker.isAdmin) return new Set(targets);
	const own = targets.filter((target) => target === asker.userId);
	const others = targets.filter((target) => target !== asker.userId && domainOf(target) === serverName);
	if (others.length === 0) return new Set(own);
	const services = await bridged.findServices([...others, asker.userId]);
	const service = services.get(asker.userId);
	const isPermitted = (target: UserId): boolean =>
		services.has(target) ? services.get(target) === service : knowsAll(dependencies, asker, surface);
	return new Set([...own, ...others.filter(isPermitted)]);
}

function knowsAll({scopes}: Pick<VisibilityDependencies, 'scopes'>, asker: Asker, surface: Surface): boolean {
	const scope = scopes[surface];
	if (scope === 'open' || asker === undefined) return scope === 'open';
	return asker.isAdmin || (scope !== 'shared' && !asker.isGuest);
}

function serverKnowsAll(
	{scopes, isPartner}: Pick<VisibilityDependencies, 'scopes' | 'isPartner'>,
	origin: ServerName,
	surface: Surface,
): boolean {
	return scopes[surface] === 'open' || (scopes[surface] === 'partners' && isPartner(origin));
}

/**
 * With whom of the targets an invite waits between the two: one knows who has invited one, and an inviter may encrypt for
 * the invited. Invites of names that nobody has are kept as others are, so this tells nobody who exists; but the keys do,
 * and so they are a fact of the inviter's day.
 */
async function listInvited(
	{storage: {memberships}, facts, bridged}: VisibilityDependencies,
	asker: NonNullable<Asker>,
	targets: readonly UserId[],
	surface: Surface,
): Promise<UserId[]> {
	if (targets.length === 0) return [];
	const {userId} = asker;
	const received = new Set((await memberships.listOfUser(userId, ['invite'])).map(({sender}) => sender));
	const inviters = targets.filter((target) => received.has(target));
	if (surface !== 'keys') return inviters;
	const sent = (await memberships.listInvites(targets)).filter(({sender}) => sender === userId);
	const invited = [...new Set(sent.map((row) => row.userId))].filter((target) => !received.has(target));
	if (invited.length === 0) return inviters;
	const services = await bridged.findServices(invited);
	const people = invited.filter((target) => !services.has(target));
	return [...inviters, ...(await facts.learnSome({asker: asPerson(asker), topic: 'person'}, people))];
}

/** With whom of the targets another server has to do, likewise. */
async function filterServerAcquainted(
	dependencies: VisibilityDependencies,
	origin: ServerName,
	targets: readonly UserId[],
	surface: Surface,
): Promise<Set<UserId>> {
	const {storage, scopes, facts, bridged} = dependencies;
	const {memberships} = storage;
	if (scopes[surface] === 'open') return new Set(targets);
	const services = await bridged.findServices(targets);
	const known = new Set<UserId>();
	if (serverKnowsAll(dependencies, origin, surface)) {
		for (const target of targets) if (!services.has(target)) known.add(target);
	}
	for (const target of await memberships.listSharingWithServer(origin, without(targets, known))) known.add(target);
	if (surface !== 'keys') return known;
	const strangers = without(targets, known).filter((target) => !services.has(target));
	const invites = (await memberships.listInvites(strangers)).filter(({sender}) => domainOf(sender) === origin);
	const invited = new Set(invites.map(({userId}) => userId));
	const asker: FactAsker = {kind: 'server', name: origin};
	for (const target of await facts.learnSome({asker, topic: 'person'}, [...invited])) known.add(target);
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
