import type {RoomId, UserId} from '../../crypto/index.ts';
import {isEventId} from '../../crypto/index.ts';
import type {Clock, Engine} from '../../federation/engine/index.ts';
import type {Storage} from '../../storage/index.ts';
import type {Events} from '../events/index.ts';
import {ReportsError} from './errors.ts';

/** What the domain is built from. */
export interface ReportsDependencies {
	readonly storage: Storage;
	readonly engine: Engine;
	readonly events: Events;
	readonly clock: Clock;
}

/**
 * What people complain about, kept for administrators.
 * @see https://spec.matrix.org/v1.19/client-server-api/#reporting-content
 */
export interface Reports {
	/** Takes a complaint about an event of a room that the reporter is in, and may see. @throws ReportsError */
	addOfEvent(reporter: UserId, roomId: RoomId, eventId: string, reason: string): Promise<void>;
	/** Takes a complaint about a room, whether or not there is one: what is done is the same. */
	addOfRoom(reporter: UserId, roomId: RoomId, reason: string): Promise<void>;
	/** Takes a complaint about a user, whether or not there is one: what is done is the same. */
	addOfUser(reporter: UserId, userId: UserId, reason: string): Promise<void>;
}

/** Makes the domain. */
export function createReports({storage, engine, events, clock}: ReportsDependencies): Reports {
	async function add(report: Omit<Parameters<Storage['reports']['add']>[1], 'receivedTs'>): Promise<void> {
		const batch = storage.batch();
		storage.reports.add(batch, {...report, receivedTs: clock.now()});
		await storage.commit(batch);
	}

	async function isVisible(userId: UserId, roomId: RoomId, eventId: string): Promise<boolean> {
		if (storage.dialect === 'postgres') await storage.barrier();
		const {row} = await events.findStanding(roomId, userId);
		if (row?.membership !== 'join' || !isEventId(eventId)) return false;
		const event = await engine.findEvent(eventId);
		return event?.row.roomId === roomId && (await events.filterVisible(userId, [event])).length > 0;
	}

	return {
		async addOfEvent(reporter, roomId, eventId, reason) {
			if (!(await isVisible(reporter, roomId, eventId))) {
				throw new ReportsError('unknown-event', 'There is no such event, or you are not in the room');
			}
			await add({kind: 'event', target: eventId, roomId, reporter, reason});
		},
		addOfRoom: (reporter, roomId, reason) => add({kind: 'room', target: roomId, roomId: null, reporter, reason}),
		addOfUser: (reporter, userId, reason) => add({kind: 'user', target: userId, roomId: null, reporter, reason}),
	};
}
