import {isUserId, type RoomId, type UserId} from '../../crypto/index.ts';
import type {ChangeKind, CommittedChange, EventNid, Position, Storage} from '../../storage/index.ts';

/** Whose keys a client has to ask for again, and whose it may forget. */
export interface DeviceListChanges {
	readonly changed: readonly UserId[];
	readonly left: readonly UserId[];
}

/** Changes that are kept in memory: those of some weeks of a middling server, 2 MB. */
const RECENT_MAX = 20_000;
/** Changes read from the database for one who was away for long; with more, everybody counts as changed. */
const READ_MAX = 50_000;
const PAGE_CHANGES = 10_000;
/** Members of rooms that were entered or left are listed up to so many. */
const MEMBERS_MAX = 50_000;
const PAGE_MEMBERS = 1000;
const KINDS: readonly ChangeKind[] = ['event', 'state', 'device_list', 'device_keys'];

/** How a member event changed who is in a room. */
type Move = 'joined' | 'left' | 'none';

/** A change that may concern device lists. */
interface Fact {
	readonly pos: Position;
	readonly kind: ChangeKind;
	readonly roomId: RoomId | undefined;
	/** Absent: of a room whose members became known all at once. */
	readonly subject: UserId | undefined;
	readonly ref: EventNid | undefined;
	readonly signed: readonly UserId[];
	/** Found out when first asked for, once for all readers. */
	move?: Promise<Move>;
}

/** Follows the stream and says for each user what has become of the device lists of others. */
export class DeviceListFollower {
	readonly #storage: Storage;
	readonly #keyless: UserId | undefined;
	readonly #stop: () => void;
	#facts: Fact[] = [];
	/** Every fact after this position is in memory. */
	#since: Position;

	/** @param keyless who never has a device, such as who writes the notices of the server: nobody needs to ask for their keys */
	constructor(storage: Storage, keyless: UserId | undefined) {
		this.#storage = storage;
		this.#keyless = keyless;
		this.#since = storage.stream.head();
		this.#stop = storage.onCommitted((changes) => this.#add(changes));
	}

	close(): void {
		this.#stop();
	}

	/**
	 * Lists whose keys changed for a user in `(since, upto]`: of those who share a room now, and of those who share one
	 * anew; and who shares none any more. Costs no read where nothing of that kind happened.
	 * @see https://spec.matrix.org/v1.19/client-server-api/#tracking-the-device-list-for-a-user
	 */
	async list(userId: UserId, since: Position, upto: Position): Promise<DeviceListChanges> {
		const facts = await this.#findFacts(since, upto);
		if (facts === undefined) return {changed: await this.#listPeers(userId), left: []};
		if (facts.length === 0) return {changed: [], left: []};
		const changed = new Set<UserId>();
		const left = new Set<UserId>();
		for (const {kind, subject, signed} of facts) {
			if (kind === 'device_list' && subject !== undefined) changed.add(subject);
			if (kind === 'device_keys' && subject === userId) for (const target of signed) changed.add(target);
		}
		await this.#addMoves(userId, facts, {changed, left});
		if (this.#keyless !== undefined) {
			changed.delete(this.#keyless);
			left.delete(this.#keyless);
		}
		if (changed.size === 0 && left.size === 0) return {changed: [], left: []};
		const candidates = [...new Set([...changed, ...left])];
		const sharing = new Set(await this.#storage.memberships.listSharing(userId, candidates));
		return {
			changed: [...changed].filter((other) => other === userId || sharing.has(other)),
			left: [...left].filter((other) => other !== userId && !sharing.has(other)),
		};
	}

	/**
	 * Lists with whom a user has come to share a room in `(since, upto]`, and still does; nobody where that is more than is
	 * worth looking at.
	 */
	async listMet(userId: UserId, since: Position, upto: Position): Promise<readonly UserId[]> {
		const facts = await this.#findFacts(since, upto);
		if (facts === undefined || facts.length === 0) return [];
		const met = new Set<UserId>();
		await this.#addMoves(userId, facts, {changed: met, left: new Set()});
		met.delete(userId);
		return met.size === 0 ? [] : this.#storage.memberships.listSharing(userId, [...met]);
	}

	#add(changes: readonly CommittedChange[]): void {
		for (const change of changes) {
			const fact = factOf(change);
			if (fact !== undefined) this.#facts.push(fact);
		}
		if (this.#facts.length > 2 * RECENT_MAX) {
			const dropped = this.#facts.length - RECENT_MAX;
			this.#since = this.#facts[dropped - 1]?.pos ?? this.#since;
			this.#facts = this.#facts.slice(dropped);
		}
	}

	/** Finds the facts in a range; `undefined` where there are too many to look at, or some have been swept. */
	async #findFacts(since: Position, upto: Position): Promise<readonly Fact[] | undefined> {
		if (since < this.#storage.stream.floor()) return undefined;
		const start = Math.max(since, this.#since);
		const recent = this.#facts.slice(this.#indexAfter(start), this.#indexAfter(upto));
		if (since >= this.#since) return recent;
		const end = Math.min(this.#since, upto);
		const older: Fact[] = [];
		let read = 0;
		for (let after = since; after < end; ) {
			const page = await this.#storage.stream.list({after, upto: end, kinds: KINDS, limit: PAGE_CHANGES});
			older.push(...page.map(factOf).filter((fact) => fact !== undefined));
			read += page.length;
			if (read > READ_MAX) return undefined;
			after = page.length < PAGE_CHANGES ? end : (page.at(-1)?.pos ?? end);
		}
		return [...older, ...recent];
	}

	#indexAfter(pos: Position): number {
		let [low, high] = [0, this.#facts.length];
		while (low < high) {
			const middle = (low + high) >>> 1;
			if ((this.#facts[middle]?.pos ?? 0) > pos) high = middle;
			else low = middle + 1;
		}
		return low;
	}

	/** Adds whom the user met, and whom the user or they left, in rooms. */
	async #addMoves(
		userId: UserId,
		facts: readonly Fact[],
		{changed, left}: {readonly changed: Set<UserId>; readonly left: Set<UserId>},
	): Promise<void> {
		const moves = facts.filter(({kind}) => kind === 'event');
		const completed = facts.filter(({kind}) => kind === 'state');
		if (moves.length === 0 && completed.length === 0) return;
		const joined = await this.#storage.memberships.listOfUser(userId, ['join']);
		const rooms = new Set(joined.map(({roomId}) => roomId));
		const entered = new Set<RoomId>();
		const quitted = new Set<RoomId>();
		for (const {roomId} of completed) if (roomId !== undefined && rooms.has(roomId)) entered.add(roomId);
		const own = moves.filter(({subject}) => subject === userId);
		for (const fact of own) {
			if (fact.roomId === undefined) continue;
			const move = await this.#moveOf(fact);
			if (move === 'joined' && rooms.has(fact.roomId)) entered.add(fact.roomId);
			// Whoever came back has met everybody anew, and nobody is gone.
			if (move === 'left' && !rooms.has(fact.roomId)) quitted.add(fact.roomId);
		}
		for (const fact of moves) {
			if (fact.roomId === undefined || fact.subject === undefined || fact.subject === userId) continue;
			if (!rooms.has(fact.roomId) && !quitted.has(fact.roomId)) continue;
			const move = await this.#moveOf(fact);
			if (move === 'joined') changed.add(fact.subject);
			if (move === 'left') left.add(fact.subject);
		}
		for (const roomId of entered) for (const member of await this.#listMembers(roomId)) changed.add(member);
		for (const roomId of quitted) for (const member of await this.#listMembers(roomId)) left.add(member);
	}

	#moveOf(fact: Fact): Promise<Move> {
		fact.move ??= findMove(this.#storage, fact);
		// A failed read is tried again by the next reader.
		fact.move.catch(() => delete fact.move);
		return fact.move;
	}

	async #listMembers(roomId: RoomId): Promise<UserId[]> {
		const members: UserId[] = [];
		for (let after: UserId | undefined; members.length < MEMBERS_MAX; after = members.at(-1)) {
			const page = await this.#storage.memberships.listOfRoom(roomId, {
				memberships: ['join'],
				after,
				limit: PAGE_MEMBERS,
			});
			members.push(...page.map((row) => row.userId));
			if (page.length < PAGE_MEMBERS) break;
		}
		return members;
	}

	async #listPeers(userId: UserId): Promise<UserId[]> {
		const peers: UserId[] = [];
		for (let after: UserId | undefined; peers.length < MEMBERS_MAX; after = peers.at(-1)) {
			const page = await this.#storage.memberships.listPeers(userId, {after, limit: PAGE_MEMBERS});
			peers.push(...page);
			if (page.length < PAGE_MEMBERS) break;
		}
		return peers.includes(userId) ? peers : [userId, ...peers];
	}
}

function factOf({pos, kind, roomId, subject, ref, extra}: CommittedChange): Fact | undefined {
	if (kind === 'state' && extra?.['completed'] === true)
		return {pos, kind, roomId, subject: undefined, ref, signed: []};
	// Of events only those of members name a subject.
	if (!KINDS.includes(kind) || !isUserId(subject)) return undefined;
	const list = kind === 'device_keys' ? extra?.['signed'] : undefined;
	const signed = Array.isArray(list) ? list.filter(isUserId) : [];
	if (kind === 'device_keys' && signed.length === 0) return undefined;
	return {pos, kind, roomId, subject, ref, signed};
}

/** Compares the membership in an event with the one before it: most member events only change a name. */
async function findMove(storage: Storage, {roomId, subject, ref}: Fact): Promise<Move> {
	if (roomId === undefined || subject === undefined || ref === undefined) return 'none';
	const event = (await storage.events.findByNids([ref])).get(ref);
	if (event === undefined) return 'none';
	let wasJoined = false;
	if (event.stateBefore !== null && event.stateBefore !== 0) {
		const state = storage.state.open(roomId, event.stateBefore);
		await state.load([{type: 'm.room.member', stateKey: subject}]);
		const before = state.get('m.room.member', subject);
		wasJoined = before !== undefined && isJoin((await storage.events.findByNids([before])).get(before)?.json);
	}
	const isJoined = isJoin(event.json);
	return isJoined === wasJoined ? 'none' : isJoined ? 'joined' : 'left';
}

function isJoin(json: string | undefined): boolean {
	if (json === undefined) return false;
	// Stored by this server, after a strict reading.
	const event = JSON.parse(json) as {content?: {membership?: unknown}};
	return event.content?.membership === 'join';
}
