import type {RoomId} from '../../crypto/index.ts';
import type {CommittedChange} from '../../storage/index.ts';
import type {RoomVersionId} from '../rooms/index.ts';
import type {Head} from './draft.ts';
import {loadHead} from './read-head.ts';
import {type ActorContext, RoomActor} from './room-actor.ts';

/** Rooms whose heads are held in memory; idle ones beyond that are let go of. */
const ACTORS_MAX = 2_000;

interface Entry {
	readonly loading: Promise<RoomActor | undefined>;
	/** The actor, once it is loaded. */
	actor: RoomActor | undefined;
	/** Whether the room was moved on by somebody while it was being loaded. */
	isOvertaken: boolean;
}

/** The actors of the rooms that something is going on in, each up to date with the stream as far as it was delivered. */
export class RoomActors {
	readonly #context: ActorContext;
	readonly #entries = new Map<RoomId, Entry>();

	constructor(context: ActorContext) {
		this.#context = context;
		context.storage.onCommitted((changes) => this.#hear(changes));
	}

	/** Gives the actor of a room; `undefined` where this server has never been in it. */
	async find(roomId: RoomId): Promise<RoomActor | undefined> {
		const actor = await (this.#entries.get(roomId) ?? this.#load(roomId)).loading;
		await actor?.catchUp();
		return actor;
	}

	/** Takes in a room that was just made. */
	add(roomId: RoomId, version: RoomVersionId, head: Head): void {
		const actor = new RoomActor(this.#context, {roomId, version}, head);
		this.#entries.set(roomId, {loading: Promise.resolve(actor), actor, isOvertaken: false});
		this.#evictIdle();
	}

	/** Lets go of a room whose head was replaced: whoever still holds the old one loses against it in the database. */
	forget(roomId: RoomId): void {
		this.#entries.delete(roomId);
	}

	#load(roomId: RoomId): Entry {
		const loading = this.#read(roomId);
		const entry: Entry = {loading, actor: undefined, isOvertaken: false};
		this.#entries.set(roomId, entry);
		const forget = (): void => {
			if (this.#entries.get(roomId) === entry) this.#entries.delete(roomId);
		};
		loading.then((actor) => {
			entry.actor = actor;
			if (entry.isOvertaken) actor?.noteMoved();
			if (actor) this.#evictIdle();
			else forget();
		}, forget);
		return entry;
	}

	async #read(roomId: RoomId): Promise<RoomActor | undefined> {
		const head = await loadHead(this.#context, roomId);
		const version = head && (await this.#context.events.findVersion(roomId));
		return head && version && new RoomActor(this.#context, {roomId, version}, head);
	}

	/** Follows the stream: what none of our batches brought, another process has committed. */
	#hear(changes: readonly CommittedChange[]): void {
		for (const {kind, roomId, ref} of changes) {
			if (kind === 'state' && roomId !== undefined) this.#hearState(roomId);
			if (kind === 'history' && roomId !== undefined && ref === undefined) this.#hearClosed(roomId);
			if (kind !== 'event' || roomId === undefined || ref === undefined) continue;
			const entry = this.#entries.get(roomId);
			if (!entry) continue;
			if (!entry.actor) entry.isOvertaken = true;
			else if (!entry.actor.isBringing(ref)) entry.actor.noteMoved();
		}
	}

	/** A room was taken away: nothing of it is there any more. */
	#hearClosed(roomId: RoomId): void {
		this.#context.states.forget();
		this.#context.events.forgetRoom(roomId);
		this.forget(roomId);
	}

	/** A room was completed: events of it have other states than before. */
	#hearState(roomId: RoomId): void {
		this.#context.states.forget();
		const entry = this.#entries.get(roomId);
		if (!entry) return;
		if (entry.actor) entry.actor.noteMoved();
		else entry.isOvertaken = true;
	}

	/** Lets go of the rooms that have been in memory longest and in which nothing is going on. */
	#evictIdle(): void {
		let surplus = this.#entries.size - ACTORS_MAX;
		for (const [roomId, {actor}] of this.#entries) {
			if (surplus <= 0) return;
			surplus -= 1;
			if (actor?.isIdle) this.#entries.delete(roomId);
		}
	}
}
