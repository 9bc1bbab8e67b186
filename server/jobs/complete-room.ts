import type {EventId, RoomId, ServerName} from '../../crypto/index.ts';
import {EngineError} from '../../federation/engine/index.ts';
import {COMPLETE_ROOM, OutboundError} from '../../federation/outbound/index.ts';
import {type Job, type JobServices, MINUTE_MS} from './job.ts';

/** Servers that one run asks. */
const SERVERS_AT_ONCE = 3;
/** The first pause after a run in which no server told, and the longest; each is twice the one before. */
const PAUSE_MS_MIN = 5_000;
const PAUSE_MS_MAX = 30 * MINUTE_MS;

interface Payload {
	readonly room_id: RoomId;
	/** In the order in which they are asked, over and over. */
	readonly servers: readonly ServerName[];
	/** Runs in which no server told. */
	readonly failures?: number;
}

export const completeRoom: Job = {
	id: COMPLETE_ROOM,
	does: 'Learns who is in a room that was entered before its members were known.',
	everyMs: null,
	atMost: `${SERVERS_AT_ONCE} servers asked about one room`,
	role: 'background',
	async run(services, run) {
		const {room_id: roomId, servers, failures = 0} = run.payload as unknown as Payload;
		const eventId = run.key as EventId;
		for (let turn = 0; turn < Math.min(SERVERS_AT_ONCE, servers.length); turn += 1) {
			const need = await findNeed(services, roomId, eventId);
			if (need === 'none') return {isDone: true, count: 0};
			// Somebody may turn out to be in it after all: their leave can lose against what others did meanwhile.
			if (need === 'nobody') return {isDone: false, count: 0, inMs: PAUSE_MS_MAX, payload: run.payload};
			const server = servers[(failures * SERVERS_AT_ONCE + turn) % servers.length];
			if (server !== undefined && (await completeBy(services, roomId, {eventId, server})))
				return {isDone: true, count: 1};
			if (!(await run.goOn())) break;
		}
		return {
			isDone: (await findNeed(services, roomId, eventId)) === 'none',
			count: 0,
			inMs: Math.min(PAUSE_MS_MIN * 2 ** Math.min(failures, 10), PAUSE_MS_MAX),
			payload: {...run.payload, failures: failures + 1},
		};
	},
};

/** Who needs to know: `none` where the room is not what it was when we entered, `nobody` while none of ours is in it. */
async function findNeed(
	{engine, storage}: JobServices,
	roomId: RoomId,
	eventId: EventId,
): Promise<'none' | 'nobody' | 'people'> {
	if ((await engine.findRoom(roomId))?.isPartial !== true) return 'none';
	if ((await storage.events.findById(eventId))?.statePartial !== true) return 'none';
	return (await storage.memberships.listLocalJoined(roomId)).length === 0 ? 'nobody' : 'people';
}

async function completeBy(
	{engine, onProblem}: JobServices,
	roomId: RoomId,
	entry: {readonly eventId: EventId; readonly server: ServerName},
): Promise<boolean> {
	try {
		await engine.completeRoom(roomId, entry);
		return true;
	} catch (error) {
		// A server that is away, refuses or tells nonsense is not the last one.
		if (!(error instanceof EngineError || error instanceof OutboundError)) throw error;
		if (error.code !== 'unavailable') onProblem(error);
		return false;
	}
}
