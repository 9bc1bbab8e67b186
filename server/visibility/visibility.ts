import {domainOf, type ServerName, type UserId} from '../../crypto/index.ts';
import {type Clock, waitForTick} from '../../federation/engine/index.ts';
import type {Storage} from '../../storage/index.ts';
import type {BridgedNames} from '../appservices/index.ts';
import type {FactBudget} from './fact-budget.ts';
import type {FactAsker} from './facts.ts';
import {isInOpenRoom} from './open-rooms.ts';
import type {SourceNames} from './source-names.ts';

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
	readonly sources: Pick<SourceNames, 'has'>;
	readonly clock: Pick<Clock, 'monotonic' | 'setTimer'>;
}

/**
 * The stranger rule: may this caller learn that this user exists? Every path that mentions a user asks here first, and
 * answers a caller without the right the same whether there is such a user or not. The answer never depends on whether
 * the target exists. Names of application services are known to members of rooms with them, whom they invited,
 * administrators and their own service alone, whatever the settings say, except `open`. A source, whose account is of a
 * source link, and everybody else are strangers to each other but in their room, whatever the settings say.
 */
export interface Visibility {
	/**
	 * Whether a person (or, with `undefined`, anybody) is answered about a user. Who may know of everybody here is also about
	 * a source, of whom there is no profile and no presence: as about a name that nobody has.
	 */
	mayKnow(asker: Asker, target: UserId, surface: Surface): Promise<boolean>;
	/**
	 * Of which users a person may know, no sources among them but those of a room in common. A search of the directory does not wait here: it finds some names first, and so
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
	/** Whether another server is answered about a user of this server, likewise. */
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
	const {scopes, facts, clock, sources} = dependencies;

	// Who may know of everybody here is told of no source, and so they must take its name for one that nobody has.
	const seemsNobodys = (asker: Asker, target: UserId, surface: Surface): boolean =>
		sources.has(target) && knowsAll(dependencies, asker, surface);
	const seemsNobodysTo = (origin: ServerName, target: UserId, surface: Surface): boolean =>
		sources.has(target) && serverKnowsAll(dependencies, origin, surface);

	const filterKnown: Visibility['filterKnown'] = (asker, targets, surface) => {
		// The directory's names are its own, and no question about anybody.
		if (surface === 'directory') return filterKnownTo(dependencies, asker, targets, surface);
		const strangers = targets.filter((target) => !seemsNobodys(asker, target, surface));
		return onGrid(dependencies, strangers, async () => {
			const known = await filterKnownTo(dependencies, asker, targets, surface);
			await facts.noteProbes(asker && asPerson(asker), without(strangers, known));
			return known;
		});
	};

	const filterKnownToServer: Visibility['filterKnownToServer'] = (origin, targets, surface) =>
		onGrid(
			dependencies,
			targets.filter((target) => !seemsNobodysTo(origin, target, surface)),
			async () => {
				const known = await filterServerAcquainted(dependencies, origin, targets, surface);
				const strangers = without(targets, known).filter((target) => !seemsNobodysTo(origin, target, surface));
				await facts.noteProbes({kind: 'server', name: origin}, strangers);
				return known;
			},
		);

	return {
		isAcquainted: async (asker, target, surface) =>
			(await filterAcquainted(dependencies, asker, [target], surface)).has(target),
		isServerAcquainted: async (origin, target, surface) =>
			(await filterServerAcquainted(dependencies, origin, [target], surface)).has(target),
		filterKnown,
		filterKnownToServer,
		mayKnow: async (asker, target, surface) =>
			(await filterKnown(asker, [target], surface)).has(target) || seemsNobodys(asker, target, surface),
		mayServerKnow: async (origin, target, surface) =>
			(await filterKnownToServer(origin, [target], surface)).has(target) || seemsNobodysTo(origin, target, surface),
		async mayInvite(asker, targets) {
			const strangers = targets.filter((target) => !seemsNobodys(asker, target, 'profiles'));
			const filter = () => filterKnownTo(dependencies, asker, strangers, 'profiles');
			const known = await onGrid(dependencies, strangers, filter);
			await facts.learn({asker: asPerson(asker), topic: 'person'}, without(strangers, known));
		},
		async mayServerInvite(origin, target) {
			if (seemsNobodysTo(origin, target, 'profiles')) return;
			const known = await filterServerAcquainted(dependencies, origin, [target], 'profiles');
			await facts.learn({asker: {kind: 'server', name: origin}, topic: 'person'}, without([target], known));
		},
		mayKnowAll: (asker, surface) => knowsAll(dependencies, asker, surface),
		mayServerKnowAll: (origin, surface) => serverKnowsAll(dependencies, origin, surface),
		isOpen: (surface) => scopes[surface] === 'open',
		mayServerList: (origin) => scopes.directory === 'open' || dependencies.isPartner(origin),
		...createGrid(clock),
	};
}

/** Makes what has answers leave at ticks. */
function createGrid(clock: VisibilityDependencies['clock']): Pick<Visibility, 'refuseOnGrid' | 'answerOnGrid'> {
	return {
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
	const strangers = without(targets, known);
	if (asker === undefined || strangers.length === 0) return known;
	const services = await bridged.findServices(strangers);
	for (const target of strangers) {
		if (services.has(target) || isApart(dependencies, asker, target)) continue;
		if (await isInOpenRoom(storage, target)) known.add(target);
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
	const {storage, scopes, sources} = dependencies;
	const isOpen = scopes[surface] === 'open';
	if (asker === undefined) return new Set(isOpen ? targets.filter((target) => !sources.has(target)) : []);
	const known = isOpen
		? new Set(targets.filter((target) => !isApart(dependencies, asker, target)))
		: await filterPermitted(dependencies, asker, targets, surface);
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
	const isPermitted = (target: UserId): boolean => {
		if (isApart(dependencies, asker, target)) return false;
		return services.has(target) ? services.get(target) === service : knowsAll(dependencies, asker, surface);
	};
	return new Set([...own, ...others.filter(isPermitted)]);
}

/** Whether one of the two is a source, to whom all but the members of one room are strangers. */
function isApart(
	{sources}: Pick<VisibilityDependencies, 'sources'>,
	asker: NonNullable<Asker>,
	target: UserId,
): boolean {
	return target !== asker.userId && !asker.isAdmin && (sources.has(target) || sources.has(asker.userId));
}

function knowsAll(
	{scopes, sources}: Pick<VisibilityDependencies, 'scopes' | 'sources'>,
	asker: Asker,
	surface: Surface,
): boolean {
	const scope = scopes[surface];
	if (asker !== undefined && sources.has(asker.userId)) return false;
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
	{storage: {memberships}, facts, bridged, sources}: VisibilityDependencies,
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
	const people = invited.filter((target) => !services.has(target) && !sources.has(target));
	return [...inviters, ...(await facts.learnSome({asker: asPerson(asker), topic: 'person'}, people))];
}

/** With whom of the targets another server has to do, likewise. */
async function filterServerAcquainted(
	dependencies: VisibilityDependencies,
	origin: ServerName,
	targets: readonly UserId[],
	surface: Surface,
): Promise<Set<UserId>> {
	const {storage, scopes, facts, bridged, sources} = dependencies;
	const {memberships} = storage;
	const isOpen = scopes[surface] === 'open';
	const known = new Set<UserId>(isOpen ? targets.filter((target) => !sources.has(target)) : []);
	if (isOpen && known.size === new Set(targets).size) return known;
	const services = await bridged.findServices(targets);
	if (serverKnowsAll(dependencies, origin, surface)) {
		for (const target of targets) if (!services.has(target) && !sources.has(target)) known.add(target);
	}
	for (const target of await memberships.listSharingWithServer(origin, without(targets, known))) known.add(target);
	if (surface !== 'keys') return known;
	const strangers = without(targets, known).filter((target) => !services.has(target) && !sources.has(target));
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
