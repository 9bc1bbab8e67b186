import type {RoomId, UserId} from '../../crypto/index.ts';
import type {DelayedEventRow} from '../../storage/index.ts';
import {deliver, type Delivery, type DeliveryContext, isCommitted} from './deliver.ts';
import {noSuchEvent} from './errors.ts';
import {type NewDelayedEvent, schedule, type ScheduleContext} from './schedule.ts';

/**
 * Events that are sent later unless their sender's client says before that it is still there: how a call learns that
 * somebody has lost the connection. They are kept on disk, and sent once.
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/4140
 */
export interface DelayedEvents {
	/**
	 * Holds an event back, and gives the id by which it is restarted, cancelled, or sent at once. Whether it may be sent
	 * is not judged yet, but for that the sender is in the room.
	 * @throws DelayedEventsError 'delay-too-long', 'too-many', 'bad-event'; RoomsError 'not-in-room'
	 */
	schedule(userId: UserId, roomId: RoomId, event: NewDelayedEvent): Promise<string>;
	/** Lets the time begin anew. Whoever has the id may: a call's server does it for its people. @throws 'not-found' */
	restart(delayId: string): Promise<void>;
	/** Takes it back. @throws 'not-found' */
	cancel(delayId: string): Promise<void>;
	/** Sends it at once. @throws 'not-found'; RoomsError as for any event */
	send(delayId: string): Promise<void>;
	/** Gives one that waits to its sender. @throws 'not-found' */
	get(userId: UserId, delayId: string): Promise<DelayedEventRow>;
	/** Lists what waits, the oldest first. */
	list(userId: UserId): Promise<readonly DelayedEventRow[]>;
	/** Sends one whose time has come. @throws EngineError, StorageError where another attempt may fare better */
	deliverDue(delayId: string): Promise<Delivery>;
}

/** Makes the domain. */
export function createDelayedEvents(dependencies: DeliveryContext & ScheduleContext): DelayedEvents {
	const {storage, clock} = dependencies;

	async function get(delayId: string): Promise<DelayedEventRow> {
		const row = await storage.delayedEvents.find(delayId);
		if (row === undefined) throw noSuchEvent();
		return row;
	}

	return {
		schedule: (...request) => schedule(dependencies, ...request),
		async restart(delayId) {
			const batch = storage.batch();
			storage.delayedEvents.restart(batch, delayId, clock.now());
			if (!(await isCommitted(storage, batch))) throw noSuchEvent();
		},
		async cancel(delayId) {
			const batch = storage.batch();
			storage.delayedEvents.remove(batch, delayId);
			if (!(await isCommitted(storage, batch))) throw noSuchEvent();
		},
		async send(delayId) {
			const delivery = await deliver(dependencies, await get(delayId), () => true);
			if (delivery.status === 'dropped') throw delivery.error ?? noSuchEvent();
			if (delivery.status === 'gone') throw noSuchEvent();
		},
		async get(userId, delayId) {
			const row = await get(delayId);
			if (row.userId !== userId) throw noSuchEvent();
			return row;
		},
		list: (userId) => storage.delayedEvents.listOfUser(userId),
		async deliverDue(delayId) {
			const row = await storage.delayedEvents.find(delayId);
			if (row === undefined) return {status: 'gone'};
			const isDue = ({runningSinceTs, delayMs}: DelayedEventRow) => runningSinceTs + delayMs <= clock.now();
			if (!isDue(row)) return {status: 'early', inMs: row.runningSinceTs + row.delayMs - clock.now()};
			const delivery = await deliver(dependencies, row, isDue);
			// Restarted while it was about to be sent: it is looked at again.
			return delivery.status === 'gone' && (await storage.delayedEvents.find(delayId)) !== undefined
				? {status: 'early', inMs: row.delayMs}
				: delivery;
		},
	};
}
