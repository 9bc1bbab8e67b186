import {LRUCache} from 'lru-cache';
import type {RoomId, UserId} from '../../crypto/index.ts';
import {powerLevelsOf, userLevel} from '../rooms/index.ts';
import type {RoomActor} from './room-actor.ts';
import {CommittedView} from './room-view.ts';
import type {Clock, Random} from './seams.ts';
import {type SendContext, SendEvent} from './send-event.ts';

/** Places in which the graph of a room may end before they are brought together: as many as one event may name (C10). */
const ENDS_MAX = 20;
/** So many are brought together without waiting for another server to do it. */
const ENDS_URGENT = 40;
/** Places that are left: what the next event names anyway. */
const ENDS_LEFT = 10;
/** Events that bring ends together at a time. */
const MERGES_MAX = 10;
/**
 * How long to wait for another server to do it, at most; every one draws its own time. If all did it at once, their events
 * would be as many ends anew.
 */
const WAIT_MAX_MS = 20_000;
/** The shortest time between two of ours in one room, whatever the others do. */
const APART_MS = 10_000;
/** Rooms that are watched at once; others are watched with the next event. */
const ROOMS_MAX = 1_000;
/** People in whose name one is tried to be sent. */
const SENDERS_MAX = 5;
/** What such an event is called by the servers there are; clients know no such type, and show nothing of it. */
const MERGE_TYPE = 'org.matrix.dummy_event';

/** What bringing ends together needs of the engine. */
export type MergeContext = SendContext & {readonly clock: Clock; readonly random: Random};

/**
 * Brings the ends of rooms' graphs together where they have become too many: each costs everything that comes beside it.
 * An event without content is sent in the name of somebody of this server who may send it; where there is nobody, the
 * ends are left to the servers of others.
 */
export class EndMerger {
	readonly #context: MergeContext;
	/** Rooms in which it is waited for others. */
	readonly #waiting = new Set<RoomId>();
	/** Until when nothing is to be done in rooms in which something was done. */
	readonly #apartUntil = new LRUCache<RoomId, number>({maxSize: ROOMS_MAX, sizeCalculation: () => 1});

	constructor(context: MergeContext) {
		this.#context = context;
	}

	/** Looks at a room after an event has entered it. What is to be done at once is done when this returns. */
	async look(actor: RoomActor): Promise<void> {
		const ends = actor.committed.extremities.length;
		if (ends <= ENDS_MAX) return;
		const {clock, random} = this.#context;
		const isApart = clock.monotonic() >= (this.#apartUntil.get(actor.roomId) ?? 0);
		if (ends > ENDS_URGENT && isApart) await this.#merge(actor);
		else if (!this.#waiting.has(actor.roomId) && this.#waiting.size < ROOMS_MAX) {
			this.#waiting.add(actor.roomId);
			clock.setTimer(random.below(WAIT_MAX_MS), () => {
				this.#waiting.delete(actor.roomId);
				if (actor.committed.extremities.length > ENDS_MAX) void this.#merge(actor);
			});
		}
	}

	/** Never rejects: the next event beside the ends brings it about. */
	async #merge(actor: RoomActor): Promise<void> {
		const {roomId} = actor;
		this.#apartUntil.set(roomId, this.#context.clock.monotonic() + APART_MS);
		try {
			const sender = await this.#findSender(actor);
			if (sender === undefined) return;
			const event = {type: MERGE_TYPE, sender, content: {}};
			for (let merges = 0; merges < MERGES_MAX && actor.committed.extremities.length > ENDS_LEFT; merges += 1) {
				await actor.submit(new SendEvent(this.#context, actor.version, {roomId, event}));
			}
		} catch {
			// What fails here was asked for by nobody.
		}
	}

	/** Finds who may send such an event; those with the highest level first. */
	async #findSender(actor: RoomActor): Promise<UserId | undefined> {
		const view = new CommittedView(this.#context, actor);
		const [members, create, levels] = await Promise.all([
			this.#context.storage.memberships.listLocalJoined(actor.roomId),
			view.findState('m.room.create', ''),
			view.findState('m.room.power_levels', ''),
		]);
		const powers = powerLevelsOf(create, levels);
		const levelOf = new Map(members.map((userId) => [userId, userLevel(powers, userId)]));
		const candidates = members.toSorted((a, b) => {
			const [one, other] = [levelOf.get(a) ?? 0, levelOf.get(b) ?? 0];
			if (one !== other) return one > other ? -1 : 1;
			return a < b ? -1 : 1;
		});
		for (const sender of candidates.slice(0, SENDERS_MAX)) {
			if ((await view.check({type: MERGE_TYPE, sender, content: {}})).allowed) return sender;
		}
		return undefined;
	}
}
