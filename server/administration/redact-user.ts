import {
	domainOf,
	type EventId,
	isJsonObject,
	isRoomId,
	isUserId,
	type JsonObject,
	newOpaqueId,
	type RoomId,
	type UserId,
} from '../../crypto/index.ts';
import type {AdministrativeTaskRow, EventRow} from '../../storage/index.ts';
import {actorOf, type AdministrationDependencies} from './context.ts';
import type {DeletionStep} from './delete-room.ts';
import {AdministrationError} from './errors.ts';

/** The kind of the background job that redacts what somebody wrote; its key is the task's id. */
export const REDACT_USER = 'redact-user';

/** Events of one person in one room that are redacted, unless said otherwise and at most: the newest. */
const LIMIT_DEFAULT = 1000;
const LIMIT_MAX = 10_000;
/** Events read at a time. */
const PAGE = 200;
/** Redactions that failed which are told of. */
const FAILURES_MAX = 100;

/** What people write; their memberships too, for a name and a reason are written there. */
const written: ReadonlySet<string> = new Set([
	'm.room.message',
	'm.room.encrypted',
	'm.room.member',
	'm.sticker',
	'm.reaction',
]);

/** Which of somebody's events are redacted. */
export interface UserRedaction {
	/** Empty: all rooms that they are in. */
	readonly rooms: readonly RoomId[];
	readonly reason?: string | undefined;
	/** The newest so many in each room. */
	readonly limit?: number | undefined;
}

/** Redacts what somebody wrote. */
export interface Redactions {
	/**
	 * Begins it, for a job to do. What a person of this server wrote is redacted in their name where they are in the room,
	 * what others wrote in the administrator's. @returns the id of the task
	 */
	begin(by: UserId, userId: UserId, redaction: UserRedaction): Promise<string>;
	/** @throws AdministrationError 'unknown-task' */
	get(taskId: string): Promise<AdministrativeTaskRow & {readonly failures: Readonly<Record<string, string>>}>;
	/** Goes on with a task, for its job. @param goOn whether there is time for more */
	work(taskId: string, payload: JsonObject, goOn: () => Promise<boolean>): Promise<DeletionStep>;
}

/** Makes what redacts. */
export function createRedactions(dependencies: AdministrationDependencies): Redactions {
	const {storage, audit, clock, random} = dependencies;
	return {
		async begin(by, userId, {rooms, reason, limit = LIMIT_DEFAULT}) {
			const wanted = rooms.length > 0 ? rooms : await listRooms(dependencies, userId);
			const taskId = newOpaqueId(random);
			const batch = storage.batch();
			storage.administrativeTasks.set(batch, {
				taskId,
				kind: 'redact-user',
				subject: userId,
				status: 'scheduled',
				result: {failed: {}},
				error: null,
				changedTs: clock.now(),
			});
			const payload = {
				by,
				user_id: userId,
				rooms: [...wanted],
				limit: Math.min(limit, LIMIT_MAX),
				...(reason !== undefined && {reason}),
			};
			storage.jobs.add(batch, {kind: REDACT_USER, key: taskId, payload, dueTs: clock.now()});
			audit.note(batch, {who: by, act: 'redact-user', whom: userId, details: {rooms: wanted.length}});
			await storage.commit(batch);
			return taskId;
		},
		async get(taskId) {
			const task = await storage.administrativeTasks.find(taskId);
			if (task?.kind !== 'redact-user') throw new AdministrationError('unknown-task', 'There is no such task');
			return {...task, failures: readFailures(task)};
		},
		work: (taskId, payload, goOn) => work(dependencies, taskId, payload, goOn),
	};
}

async function listRooms({storage}: AdministrationDependencies, userId: UserId): Promise<RoomId[]> {
	return (await storage.memberships.listOfUser(userId, ['join'])).map(({roomId}) => roomId);
}

function readFailures({result}: Pick<AdministrativeTaskRow, 'result'>): Record<string, string> {
	const failed = isJsonObject(result['failed']) ? result['failed'] : {};
	return Object.fromEntries(
		Object.entries(failed).map(([eventId, error]) => [eventId, typeof error === 'string' ? error : '']),
	);
}

async function work(
	dependencies: AdministrationDependencies,
	taskId: string,
	payload: JsonObject,
	goOn: () => Promise<boolean>,
): Promise<DeletionStep> {
	const {storage, clock} = dependencies;
	const {by, user_id: userId, rooms, limit, reason} = payload;
	const task = await storage.administrativeTasks.find(taskId);
	if (task === undefined || !isUserId(by) || !isUserId(userId) || !Array.isArray(rooms))
		return {isDone: true, count: 0};
	const left = rooms.filter((roomId): roomId is RoomId => isRoomId(roomId));
	const failures = readFailures(task);
	const save = async (status: AdministrativeTaskRow['status']): Promise<void> => {
		const batch = storage.batch();
		storage.administrativeTasks.set(batch, {...task, status, result: {failed: failures}, changedTs: clock.now()});
		await storage.commit(batch);
	};
	const content: JsonObject = typeof reason === 'string' ? {reason} : {};
	let count = 0;
	while (left[0] !== undefined) {
		const [roomId] = left;
		const actor = await chooseActor(dependencies, roomId, userId, by);
		for await (const event of listWritten(dependencies, roomId, userId, Number(limit))) {
			const error = await redactOne(dependencies, {taskId, actor, event, content});
			if (error === undefined) count += 1;
			else if (Object.keys(failures).length < FAILURES_MAX) failures[event.eventId] = error;
			if (!(await goOn())) {
				await save('active');
				return {isDone: false, count, payload: {...payload, rooms: left}};
			}
		}
		left.shift();
	}
	await save('complete');
	return {isDone: true, count};
}

/** In whose name it is done: their own where they are here and in the room. */
async function chooseActor(
	{storage, serverName}: AdministrationDependencies,
	roomId: RoomId,
	userId: UserId,
	by: UserId,
): Promise<UserId> {
	if (domainOf(userId) !== serverName) return by;
	return (await storage.memberships.find(roomId, userId))?.membership === 'join' ? userId : by;
}

/** Gives the newest events that somebody wrote in a room and that are not redacted yet. */
async function* listWritten(
	{storage}: AdministrationDependencies,
	roomId: RoomId,
	userId: UserId,
	limit: number,
): AsyncIterable<EventRow> {
	let found = 0;
	let from: {readonly anchor: number; readonly minor: number} | undefined;
	for (;;) {
		const rows = await storage.events.listTimeline({roomId, direction: 'backwards', from, limit: PAGE});
		for (const row of rows) {
			if (row.sender !== userId || !written.has(row.type)) continue;
			// Those that were redacted before count, so that a task that goes on ends where it would have.
			found += 1;
			if (row.redactedBy === null) yield row;
			if (found >= limit) return;
		}
		const last = rows.at(-1);
		if (last === undefined || last.anchor === null || last.minor === null) return;
		from = {anchor: last.anchor, minor: last.minor};
	}
}

async function redactOne(
	{rooms}: AdministrationDependencies,
	{
		taskId,
		actor,
		event: {roomId, eventId},
		content,
	}: {
		readonly taskId: string;
		readonly actor: UserId;
		readonly event: {readonly roomId: RoomId; readonly eventId: EventId};
		readonly content: JsonObject;
	},
): Promise<string | undefined> {
	try {
		await rooms.redact(actorOf(actor), roomId, {
			redacts: eventId,
			content,
			transaction: {
				userId: actor,
				// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- no device has a name in small letters with a space
				deviceId: 'user redaction' as never,
				method: 'PUT',
				endpoint: `redactEvent ${eventId}`,
				roomId,
				txnId: taskId,
			},
		});
		return undefined;
	} catch (error) {
		return error instanceof Error ? error.message : String(error);
	}
}
