import type {UserId} from '../../crypto/index.ts';
import {EngineError, type EngineErrorCode} from '../../federation/engine/index.ts';
import {LEAVE_ROOMS} from '../accounts/index.ts';
import {RoomsError} from '../rooms/index.ts';
import {type Job, MINUTE_MS} from './job.ts';

/** After so long the rooms are looked at once more: a join may have been under way when the account ended. */
const SECOND_LOOK_MS = 10 * MINUTE_MS;

/** Failures of the engine that another attempt may not meet. */
const passing: ReadonlySet<EngineErrorCode> = new Set(['overloaded', 'unavailable', 'conflict']);

export const leaveRooms: Job = {
	id: LEAVE_ROOMS,
	does: 'Takes somebody whose account has ended out of all rooms, and turns down their invites.',
	everyMs: null,
	atMost: 'the rooms of one person',
	role: 'background',
	async run({storage, rooms}, run) {
		const userId = run.key as UserId;
		let count = 0;
		const failures: unknown[] = [];
		for (const {roomId} of await storage.memberships.listOfUser(userId, ['join', 'invite', 'knock'])) {
			try {
				await rooms.leave({userId}, roomId);
				count += 1;
			} catch (error) {
				// A room whose rules do not let them leave keeps them; what else failed is tried again.
				if (!isRefusal(error)) failures.push(error);
			}
			if (!(await run.goOn())) return {isDone: false, count};
		}
		if (failures.length > 0) throw new Error(`${failures.length} rooms could not be left`, {cause: failures[0]});
		const isSecondLook = run.payload['isSecondLook'] === true;
		return {isDone: isSecondLook, count, inMs: SECOND_LOOK_MS, payload: {isSecondLook: true}};
	},
};

function isRefusal(error: unknown): boolean {
	if (error instanceof RoomsError) return error.code !== 'unreachable';
	return error instanceof EngineError && !passing.has(error.code);
}
