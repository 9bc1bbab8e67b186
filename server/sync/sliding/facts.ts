import {LRUCache} from 'lru-cache';
import {isJsonObject, type JsonObject, type RoomId} from '../../../crypto/index.ts';
import type {MembershipRow, Position, StateRoot} from '../../../storage/index.ts';
import type {SyncParts} from '../v3/view.ts';
import {listOutsideState} from '../v3/invited-room.ts';
import {findContents} from './contents.ts';
import type {StateIndexes} from './state-index.ts';

/** Rooms whose facts are held. */
const ROOMS_MAX = 20_000;
/** Spaces whose rooms are held. */
const SPACES_MAX = 2_000;

/** What lists are filtered by. */
export interface RoomFacts {
	/** `null`: none. */
	readonly roomType: string | null;
	readonly isEncrypted: boolean;
}

const createKey = {type: 'm.room.create', stateKey: ''};
const encryptionKey = {type: 'm.room.encryption', stateKey: ''};

/** What rooms are, as far as a user may know. */
export class Facts {
	readonly #parts: SyncParts;
	readonly #held = new LRUCache<RoomId, {readonly root: StateRoot; readonly facts: RoomFacts}>({
		maxSize: ROOMS_MAX,
		sizeCalculation: () => 1,
	});

	readonly #children = new LRUCache<RoomId, {readonly root: StateRoot; readonly children: readonly string[]}>({
		maxSize: SPACES_MAX,
		sizeCalculation: () => 1,
	});
	readonly #indexes: StateIndexes;

	constructor(parts: SyncParts, indexes: StateIndexes) {
		this.#parts = parts;
		this.#indexes = indexes;
	}

	/** Finds what a room is: for who is inside as of a position, for others as of when they were last told. */
	async of(row: MembershipRow, upto: Position): Promise<RoomFacts> {
		const {roomId, membership} = row;
		if (membership === 'invite' || membership === 'knock') return factsOf(await listOutsideState(this.#parts, row));
		const state = await this.#parts.states.findAt(roomId, membership === 'join' ? upto : row.pos);
		if (!state) return {roomType: null, isEncrypted: false};
		const known = this.#held.get(roomId);
		if (known?.root === state.root) return known.facts;
		const entries = await this.#indexes.find(state, [createKey, encryptionKey]);
		const contents = await findContents(this.#parts, entries);
		const roomType = contents.get('m.room.create')?.['type'];
		const facts = {
			roomType: typeof roomType === 'string' ? roomType : null,
			isEncrypted: contents.has('m.room.encryption'),
		};
		this.#held.set(roomId, {root: state.root, facts});
		return facts;
	}

	/** Lists the rooms that a space names as its own. @see https://spec.matrix.org/v1.19/client-server-api/#mspacechild */
	async listChildren(roomId: RoomId, upto: Position): Promise<readonly string[]> {
		const state = await this.#parts.states.findAt(roomId, upto);
		if (!state) return [];
		const known = this.#children.get(roomId);
		if (known?.root === state.root) return known.children;
		const index = await this.#indexes.of(state);
		const entries = [...(index.byType.get('m.space.child')?.values() ?? [])];
		const contents = await findContents(this.#parts, entries);
		// A child without servers to join by was taken out again.
		const children = [...contents].filter(([, {via}]) => Array.isArray(via) && via.length > 0).map(([child]) => child);
		this.#children.set(roomId, {root: state.root, children});
		return children;
	}
}

function factsOf(stripped: readonly JsonObject[]): RoomFacts {
	const find = (wanted: string): JsonObject | undefined =>
		stripped.find(({type, state_key: stateKey}) => type === wanted && stateKey === '');
	const content = find('m.room.create')?.['content'];
	const roomType = isJsonObject(content) ? content['type'] : undefined;
	return {
		roomType: typeof roomType === 'string' ? roomType : null,
		isEncrypted: find('m.room.encryption') !== undefined,
	};
}
