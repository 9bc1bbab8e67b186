import {LRUCache} from 'lru-cache';
import {isJsonObject, type JsonValue, type RoomId} from '../../crypto/index.ts';
import type {EventRow, Position, Storage} from '../../storage/index.ts';
import type {BridgedNames} from '../appservices/index.ts';
import {type Person, toPerson} from './match.ts';

/** People of other servers that are kept in memory, over all rooms: some hundred bytes each. */
const PEOPLE_MAX = 100_000;
/** Members that are read at a time. */
const PAGE_MEMBERS = 1_000;

/** The people of other servers, and of application services, who are in one room, as they are called there. */
interface RoomPeople {
	/** When the room's state last changed: as long as that stays, so do they. */
	readonly headPos: Position;
	readonly people: readonly Person[];
}

/** What one search may read: members of rooms that are not in memory. */
export interface ReadBudget {
	members: number;
}

/** The people of other servers, and of application services, in rooms known here, by room, read anew once the room's state has changed. */
export class PeopleOfRooms {
	readonly #storage: Pick<Storage, 'events' | 'memberships' | 'rooms'>;
	readonly #bridged: Pick<BridgedNames, 'findServices'>;
	readonly #rooms = new LRUCache<RoomId, RoomPeople>({
		maxSize: PEOPLE_MAX,
		sizeCalculation: ({people}) => people.length + 1,
	});

	constructor(storage: Pick<Storage, 'events' | 'memberships' | 'rooms'>, bridged: Pick<BridgedNames, 'findServices'>) {
		this.#storage = storage;
		this.#bridged = bridged;
	}

	/** Gives the people of rooms, room by room, as far as the budget reaches. */
	async *list(roomIds: readonly RoomId[], budget: ReadBudget): AsyncGenerator<readonly Person[], void, void> {
		const rows = await this.#storage.rooms.findMany(roomIds);
		for (const roomId of roomIds) {
			const headPos = rows.get(roomId)?.headPos;
			if (headPos === undefined) continue;
			const known = this.#rooms.get(roomId);
			if (known?.headPos === headPos) {
				yield known.people;
				continue;
			}
			if (budget.members <= 0) continue;
			const {people, isWhole} = await this.#read(roomId, budget);
			if (isWhole) this.#rooms.set(roomId, {headPos, people});
			yield people;
		}
	}

	async #read(roomId: RoomId, budget: ReadBudget): Promise<{people: Person[]; isWhole: boolean}> {
		const {memberships, events} = this.#storage;
		const people: Person[] = [];
		let after: Person['userId'] | undefined;
		do {
			const page = await memberships.listOfRoom(roomId, {memberships: ['join'], after, limit: PAGE_MEMBERS});
			budget.members -= page.length;
			const local = page.filter(({isLocal}) => isLocal).map(({userId}) => userId);
			const services = await this.#bridged.findServices(local);
			const others = page.filter(({isLocal, userId}) => !isLocal || services.has(userId));
			const rows = await events.findByNids(others.map(({eventNid}) => eventNid).filter((nid) => nid !== null));
			for (const {userId, eventNid} of others) people.push(toPerson(userId, readProfile(rows.get(eventNid ?? -1))));
			after = page.length === PAGE_MEMBERS ? page.at(-1)?.userId : undefined;
		} while (after !== undefined && budget.members > 0);
		return {people, isWhole: after === undefined};
	}
}

/** Reads what a member event says of its owner; nothing where it was redacted, or cannot be read. */
function readProfile(row: EventRow | undefined): {readonly displayname?: unknown; readonly avatar_url?: unknown} {
	if (row === undefined || row.redactedBy !== null) return {};
	try {
		const event = JSON.parse(row.json) as JsonValue;
		const content = isJsonObject(event) ? event['content'] : undefined;
		return isJsonObject(content) ? content : {};
	} catch {
		// Damaged, which is reported where the room itself is read.
		return {};
	}
}
