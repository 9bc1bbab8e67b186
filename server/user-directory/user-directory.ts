import {domainOf, isUserId, type RoomId, type ServerName, type UserId} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import type {Storage} from '../../storage/index.ts';
import type {BridgedNames} from '../appservices/index.ts';
import {type Asker, listOpenRooms, type Visibility} from '../visibility/index.ts';
import {LocalPeople} from './local-people.ts';
import {compareFound, type Found, type Person, rankOf, readTerm, type Term} from './match.ts';
import {PeopleOfRooms} from './room-people.ts';

/** Results where the client does not say how many, as the specification has it, and at most. */
const RESULTS_DEFAULT = 10;
const RESULTS_MAX = 50;
/** People who match that are looked at, for whether the searcher may know of them. Beyond, a longer term finds them. */
const CANDIDATES_MAX = 500;
/** How many of them are asked about at once. */
const CANDIDATES_STEP = 100;
/** Members of rooms that one search reads where they are not in memory: some tenths of a second. */
const MEMBERS_READ_MAX = 20_000;
/** How long a list of open rooms is good. What a room that was closed meanwhile would show is asked about all the same. */
const OPEN_ROOMS_MS = 60_000;

/** What the directory of people is built from. */
export interface UserDirectoryDependencies {
	readonly storage: Storage;
	readonly serverName: ServerName;
	readonly visibility: Visibility;
	readonly bridged: BridgedNames;
	readonly clock: Pick<Clock, 'monotonic'>;
}

/** Somebody who was found. */
export type FoundPerson = Pick<Person, 'userId' | 'displayName' | 'avatarUrl'>;

/** What a search gives. */
export interface FoundPeople {
	readonly people: readonly FoundPerson[];
	/** Whether there may be more. */
	readonly isLimited: boolean;
}

/** The directory of people: who may be found by whom is for `Visibility` to say. */
export interface UserDirectory {
	/**
	 * Finds people by parts of their names or ids, oneself never. People of this server go by the names of their profiles,
	 * and never by those that they have in one room; people of other servers, and of application services, by those in rooms
	 * that the searcher may see.
	 */
	search(
		asker: NonNullable<Asker>,
		query: {readonly text: string; readonly limit: number | undefined},
	): Promise<FoundPeople>;
	/** Ends listening. */
	close(): void;
}

interface Context extends UserDirectoryDependencies {
	readonly local: LocalPeople;
	readonly ofRooms: PeopleOfRooms;
	readonly listOpenRooms: () => Promise<readonly RoomId[]>;
}

/** Makes the directory of people. */
export function createUserDirectory(dependencies: UserDirectoryDependencies): UserDirectory {
	const {storage, clock, bridged} = dependencies;
	const local = new LocalPeople(storage, bridged);
	let open: {readonly rooms: readonly RoomId[]; readonly untilMs: number} | undefined;
	const context: Context = {
		...dependencies,
		local,
		ofRooms: new PeopleOfRooms(storage, bridged),
		async listOpenRooms() {
			if (open === undefined || open.untilMs < clock.monotonic()) {
				open = {rooms: await listOpenRooms(storage), untilMs: clock.monotonic() + OPEN_ROOMS_MS};
			}
			return open.rooms;
		},
	};
	const close = storage.onCommitted((changes) => local.hear(changes));
	return {
		async search(asker, {text, limit = RESULTS_DEFAULT}) {
			const term = readTerm(text);
			const wanted = Math.min(limit, RESULTS_MAX);
			if (term === undefined || wanted < 1) return {people: [], isLimited: false};
			// What other processes have changed counts.
			await storage.barrier();
			return choose(context, asker, await gather(context, asker, text.trim(), term), wanted);
		},
		close,
	};
}

/** Lists everybody who matches, whether or not the searcher may know. */
async function gather(
	context: Context,
	{userId: self}: NonNullable<Asker>,
	text: string,
	term: Term,
): Promise<Found[]> {
	const {storage, serverName, local} = context;
	const found = new Map<UserId, Found>();
	const note = (person: Person): void => {
		const rank = rankOf(person, term);
		if (rank === undefined || person.userId === self) return;
		const known = found.get(person.userId);
		if (known === undefined || rank < known.rank) found.set(person.userId, {person, rank});
	};
	for (const person of await local.list()) note(person);
	if (isUserId(text) && domainOf(text) === serverName && !found.has(text)) {
		const person = await local.find(text);
		if (person) note(person);
	}
	const own = (await storage.memberships.listOfUser(self, ['join'])).map(({roomId}) => roomId);
	const budget = {members: MEMBERS_READ_MAX};
	const rooms = new Set([...own, ...(await context.listOpenRooms())]);
	for await (const people of context.ofRooms.list([...rooms], budget)) for (const person of people) note(person);
	return [...found.values()].toSorted(compareFound);
}

/** Keeps those of whom the searcher may know. */
async function choose(
	{visibility}: Context,
	asker: NonNullable<Asker>,
	candidates: readonly Found[],
	wanted: number,
): Promise<FoundPeople> {
	const people: FoundPerson[] = [];
	const looked = candidates.slice(0, CANDIDATES_MAX);
	for (let from = 0; from < looked.length && people.length <= wanted; from += CANDIDATES_STEP) {
		const step = looked.slice(from, from + CANDIDATES_STEP);
		const ids = step.map(({person}) => person.userId);
		const known = await visibility.filterKnown(asker, ids, 'directory');
		people.push(...step.map(({person}) => person).filter(({userId}) => known.has(userId)));
	}
	return {people: people.slice(0, wanted), isLimited: people.length > wanted};
}
