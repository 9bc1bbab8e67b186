import {LRUCache} from 'lru-cache';
import type {RoomId, UserId} from '../../crypto/index.ts';
import type {Engine, StoredEvent} from '../../federation/engine/index.ts';
import {
	type HistoryVisibility,
	historyVisibilityOf,
	type Membership,
	maySeeEvent,
	membershipOf,
	type Pdu,
} from '../../federation/rooms/index.ts';
import type {EventRow, StateRoot, Storage} from '../../storage/index.ts';
import type {Standing} from './memberships.ts';

/** States whose answer is kept. Messages that follow each other share a state, so few are needed. */
const ANSWERS_MAX = 50_000;

/** Says who may see events, by the state before each of them. */
export class VisibilityAt {
	readonly #storage: Storage;
	readonly #engine: Engine;
	readonly #visibilities = new LRUCache<StateRoot, HistoryVisibility>({maxSize: ANSWERS_MAX, sizeCalculation: () => 1});
	readonly #memberships = new LRUCache<string, Membership>({maxSize: ANSWERS_MAX, sizeCalculation: () => 1});

	constructor(storage: Storage, engine: Engine) {
		this.#storage = storage;
		this.#engine = engine;
	}

	/**
	 * Tells whether a user may see an event of a timeline. What has no state here is nobody's to see.
	 * @see https://spec.matrix.org/v1.19/client-server-api/#server-behaviour-5
	 */
	async maySee(userId: UserId, standing: Standing, {pdu, row}: StoredEvent): Promise<boolean> {
		const {roomId, stateBefore} = row;
		if (row.rejected !== null || row.softFailed || stateBefore === null) return false;
		const found = this.#findVisibility(roomId, stateBefore);
		const visibilities = [typeof found === 'string' ? found : await found];
		if (pdu.type === 'm.room.history_visibility' && pdu.stateKey === '') visibilities.push(historyVisibilityOf(pdu));
		const joinedSince = wasJoinedAfter(standing, row);
		const facts = {visibilities, joinedSince};
		if (maySeeEvent({...facts, memberships: []})) return true;
		const memberships = [await this.#findMembership(roomId, stateBefore, userId)];
		if (isOwnMembership(pdu, userId)) memberships.push(membershipOf(pdu));
		return maySeeEvent({...facts, memberships});
	}

	/** Finds what a user was in the room at an event: after it, where it is the user's own membership. */
	async findMembershipAt(userId: UserId, {pdu, row}: StoredEvent): Promise<Membership | undefined> {
		if (isOwnMembership(pdu, userId)) return membershipOf(pdu);
		if (row.stateBefore === null) return undefined;
		return this.#findMembership(row.roomId, row.stateBefore, userId);
	}

	#findVisibility(roomId: RoomId, root: StateRoot): HistoryVisibility | Promise<HistoryVisibility> {
		// Trie nodes, and so the roots of states, are numbered over all rooms.
		return this.#visibilities.get(root) ?? this.#readVisibility(roomId, root);
	}

	async #readVisibility(roomId: RoomId, root: StateRoot): Promise<HistoryVisibility> {
		const visibility = historyVisibilityOf(await this.#findState(roomId, root, 'm.room.history_visibility', ''));
		this.#visibilities.set(root, visibility);
		return visibility;
	}

	async #findMembership(roomId: RoomId, root: StateRoot, userId: UserId): Promise<Membership> {
		const key = `${root} ${userId}`;
		const known = this.#memberships.get(key);
		if (known) return known;
		const membership = membershipOf(await this.#findState(roomId, root, 'm.room.member', userId));
		this.#memberships.set(key, membership);
		return membership;
	}

	async #findState(roomId: RoomId, root: StateRoot, type: string, stateKey: string): Promise<Pdu | undefined> {
		const state = this.#storage.state.open(roomId, root);
		await state.load([{type, stateKey}]);
		const nid = state.get(type, stateKey);
		const row = nid === undefined ? undefined : await this.#storage.events.findByNid(nid);
		const [event] = row ? await this.#engine.readRows([row]) : [];
		return event?.pdu;
	}
}

function isOwnMembership(pdu: Pdu, userId: UserId): boolean {
	return pdu.type === 'm.room.member' && pdu.stateKey === userId;
}

/** Whether a user was in the room at some point after an event came to be in its timeline. */
function wasJoinedAfter({joinedUntil}: Standing, {anchor, minor}: EventRow): boolean {
	if (anchor === null || minor === null) return joinedUntil === Number.POSITIVE_INFINITY;
	return anchor < joinedUntil || (anchor === joinedUntil && minor < 0);
}
