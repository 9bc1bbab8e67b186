import {isRoomId, type JsonObject, newOpaqueId, type RoomAlias, type RoomId, type UserId} from '../../crypto/index.ts';
import {type AdministrativeTaskRow, type Batch, ConflictError, type MembershipRow} from '../../storage/index.ts';
import type {AuditActor} from '../audit/index.ts';
import {actorOf, type AdministrationDependencies} from './context.ts';
import {
	nothingYet,
	readShutdown,
	readWork,
	type RoomDeletion,
	type RoomShutdown,
	type Work,
	writeShutdown,
	writeWork,
} from './deletion-task.ts';
import {AdministrationError, unknownRoom} from './errors.ts';
import {block} from './rooms.ts';

/** The kind of the background job that takes a room away; its key is the task's id. */
export const DELETE_ROOM = 'delete-room';

/** For so long people here are told by what they were to a room that they are in it no more, after all else of it is gone. */
const TOLD_FOR_MS = 7 * 86_400_000;
/** Whoever asked and waits does the first part; the job goes on where that was cut off. */
const FALL_BACK_MS = 10 * 60_000;
/** Members read at a time. */
const PAGE = 500;

/** What a run of the job has come to. */
export interface DeletionStep {
	readonly isDone: boolean;
	readonly count: number;
	readonly inMs?: number;
	readonly payload?: JsonObject;
}

/** Takes rooms away: everybody of this server out of them, then what is kept of them. */
export interface RoomDeletions {
	/**
	 * Begins it, for a job to do. @returns the id of the task
	 * @throws AdministrationError 'unknown-room', 'invalid'
	 */
	begin(by: AuditActor, roomId: RoomId, deletion: RoomDeletion): Promise<string>;
	/** Does the first part at once, and leaves the rest to the job. A room that is not known here is only blocked. */
	shutDown(by: AuditActor, roomId: RoomId, deletion: RoomDeletion): Promise<RoomShutdown>;
	/** @throws AdministrationError 'unknown-task' */
	get(taskId: string): Promise<AdministrativeTaskRow>;
	/** Lists the tasks about a room, the newest first. @throws AdministrationError 'unknown-task' where there is none */
	listOfRoom(roomId: RoomId): Promise<AdministrativeTaskRow[]>;
	/** Goes on with a task, for its job. @param goOn whether there is time for more */
	work(taskId: string, payload: JsonObject, goOn: () => Promise<boolean>): Promise<DeletionStep>;
}

/** Makes what takes rooms away. */
export function createRoomDeletions(dependencies: AdministrationDependencies): RoomDeletions {
	const {storage, audit, clock, random} = dependencies;

	async function begin(by: AuditActor, work: Work, dueTs: number): Promise<string> {
		const {roomId} = work;
		const row = await storage.rooms.find(roomId);
		if (row === undefined || row.headRoot === null) throw unknownRoom();
		await checkCreator(dependencies, work);
		const taskId = newOpaqueId(random);
		const batch = storage.batch();
		// Nobody comes in again while people are led out; who may afterwards is decided at the end.
		storage.rooms.setBlocked(batch, roomId, true);
		setTask(dependencies, batch, {taskId, subject: roomId, status: 'scheduled', result: writeShutdown(nothingYet)});
		storage.jobs.add(batch, {kind: DELETE_ROOM, key: taskId, payload: writeWork(work), dueTs});
		const {block: isBlocked, purge} = work;
		audit.note(batch, {who: by, act: 'delete-room', whom: roomId, details: {block: isBlocked, purge}});
		await storage.commit(batch);
		return taskId;
	}

	async function get(taskId: string): Promise<AdministrativeTaskRow> {
		const task = await storage.administrativeTasks.find(taskId);
		if (task?.kind !== 'delete-room') throw new AdministrationError('unknown-task', 'There is no such task');
		return task;
	}

	return {
		begin: (by, roomId, deletion) => begin(by, {...deletion, roomId, phase: 'leave'}, clock.now()),
		async shutDown(by, roomId, deletion) {
			const row = await storage.rooms.find(roomId);
			if ((row === undefined || row.headRoot === null) && deletion.block) {
				const batch = storage.batch();
				await block(dependencies, batch, roomId, true);
				audit.note(batch, {who: by, act: 'block-room', whom: roomId});
				await storage.commit(batch);
				return nothingYet;
			}
			const work: Work = {...deletion, roomId, phase: 'leave'};
			const taskId = await begin(by, work, clock.now() + FALL_BACK_MS);
			await leadOut(dependencies, await get(taskId), work, () => Promise.resolve(true));
			const batch = storage.batch();
			storage.jobs.add(batch, {kind: DELETE_ROOM, key: taskId, payload: writeWork(work), dueTs: clock.now()});
			await storage.commit(batch);
			return readShutdown(await get(taskId));
		},
		get,
		async listOfRoom(roomId) {
			const tasks = await storage.administrativeTasks.listOfSubject('delete-room', roomId);
			if (tasks.length === 0) throw new AdministrationError('unknown-task', 'There is no such task');
			return tasks;
		},
		async work(taskId, payload, goOn) {
			const work = readWork(payload);
			const task = await storage.administrativeTasks.find(taskId);
			if (work?.phase === 'forget') return forget(dependencies, work);
			if (work === undefined || task === undefined) return {isDone: true, count: 0};
			return work.phase === 'leave'
				? leadOut(dependencies, task, work, goOn)
				: removeRows(dependencies, task, work, goOn);
		},
	};
}

async function checkCreator({accounts, serverName}: AdministrationDependencies, {newRoom}: Work): Promise<void> {
	if (newRoom === undefined) return;
	const account = newRoom.creator.endsWith(`:${serverName}`) ? await accounts.find(newRoom.creator) : undefined;
	if (account === undefined || account.isDeactivated) {
		throw new AdministrationError('invalid', 'new_room_user_id: expected somebody of this server');
	}
}

function setTask(
	{storage, clock}: Pick<AdministrationDependencies, 'storage' | 'clock'>,
	batch: Batch,
	task: Pick<AdministrativeTaskRow, 'taskId' | 'subject' | 'status' | 'result'> & {readonly error?: string},
): void {
	const {error = null, ...rest} = task;
	storage.administrativeTasks.set(batch, {...rest, kind: 'delete-room', error, changedTs: clock.now()});
}

/** Writes down what has become of a task. */
async function saveTask(
	dependencies: AdministrationDependencies,
	task: AdministrativeTaskRow,
	status: AdministrativeTaskRow['status'],
	shutdown: RoomShutdown,
	error?: string,
): Promise<AdministrativeTaskRow> {
	const batch = dependencies.storage.batch();
	const {taskId, subject} = task;
	const result = writeShutdown(shutdown);
	setTask(dependencies, batch, {taskId, subject, status, result, ...(error !== undefined && {error})});
	await dependencies.storage.commit(batch);
	return {...task, status, result};
}

/** Takes everybody of this server out of a room, to another one where that is wanted, and the aliases with them. */
async function leadOut(
	dependencies: AdministrationDependencies,
	task: AdministrativeTaskRow,
	work: Work,
	goOn: () => Promise<boolean>,
): Promise<DeletionStep> {
	let shutdown = readShutdown(task);
	if (work.newRoom !== undefined && shutdown.newRoomId === null) {
		shutdown = {...shutdown, newRoomId: await makeNewRoom(dependencies, task, shutdown, work.newRoom)};
	}
	let count = 0;
	for (const row of await listLocal(dependencies, work.roomId)) {
		const {userId} = row;
		if (shutdown.failedToKickUsers.includes(userId)) continue;
		const isOut = await leadOutOne(dependencies, row, work.newRoom?.creator, shutdown.newRoomId);
		shutdown = isOut
			? {...shutdown, kickedUsers: [...new Set([...shutdown.kickedUsers, userId])]}
			: {...shutdown, failedToKickUsers: [...shutdown.failedToKickUsers, userId]};
		count += 1;
		await saveTask(dependencies, task, 'active', shutdown);
		if (!(await goOn())) return {isDone: false, count};
	}
	shutdown = await moveAliases(dependencies, work.roomId, shutdown);
	if (work.purge && shutdown.failedToKickUsers.length > 0 && !work.forcePurge) {
		await saveTask(dependencies, task, 'failed', shutdown, 'Somebody could not be taken out of the room');
		return {isDone: true, count};
	}
	await saveTask(dependencies, task, work.purge ? 'active' : 'complete', shutdown);
	if (work.purge) return {isDone: false, count, inMs: 0, payload: writeWork({...work, phase: 'purge'})};
	await unblockUnlessWanted(dependencies, work);
	return {isDone: true, count};
}

async function listLocal({storage}: AdministrationDependencies, roomId: RoomId): Promise<MembershipRow[]> {
	const found: MembershipRow[] = [];
	for (let after: UserId | undefined; ; ) {
		const page = await storage.memberships.listOfRoom(roomId, {
			memberships: ['join', 'invite', 'knock'],
			after,
			limit: PAGE,
		});
		found.push(...page.filter(({isLocal}) => isLocal));
		after = page.at(-1)?.userId;
		if (page.length < PAGE) return found;
	}
}

/** Takes one person out; whether that was possible. That they could not be brought elsewhere keeps nobody. */
async function leadOutOne(
	{rooms}: AdministrationDependencies,
	{roomId, userId, membership}: MembershipRow,
	creator: UserId | undefined,
	newRoomId: string | null,
): Promise<boolean> {
	if (creator !== undefined && isRoomId(newRoomId) && membership === 'join' && userId !== creator) {
		try {
			await rooms.invite(actorOf(creator), newRoomId, userId);
			await rooms.join(actorOf(userId), newRoomId);
		} catch {
			// An invite that stands is as good, and who takes none is told nothing.
		}
	}
	try {
		await rooms.leave({userId}, roomId);
		return true;
	} catch {
		return false;
	}
}

async function makeNewRoom(
	dependencies: AdministrationDependencies,
	task: AdministrativeTaskRow,
	shutdown: RoomShutdown,
	{creator, name, message}: NonNullable<RoomDeletion['newRoom']>,
): Promise<RoomId> {
	const {rooms, random} = dependencies;
	const {taskId, subject} = task;
	const roomId = await rooms.create(actorOf(creator), {
		name,
		// Who is in it is for those in it to know.
		preset: 'private_chat',
		powerLevelOverride: {users_default: -10},
		alsoWrite: (batch, made) =>
			setTask(dependencies, batch, {
				taskId,
				subject,
				status: 'active',
				result: writeShutdown({...shutdown, newRoomId: made}),
			}),
	});
	await rooms.send(actorOf(creator), roomId, {
		type: 'm.room.message',
		content: {msgtype: 'm.text', body: message},
		transaction: {
			userId: creator,
			// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- no device has a name in small letters with a space
			deviceId: 'room deletion' as never,
			method: 'PUT',
			endpoint: 'sendMessage',
			roomId,
			txnId: newOpaqueId(random),
		},
	});
	return roomId;
}

async function moveAliases(
	{storage, serverName}: AdministrationDependencies,
	roomId: RoomId,
	shutdown: RoomShutdown,
): Promise<RoomShutdown> {
	const aliases = await storage.aliases.listOfRoom(roomId);
	if (aliases.length === 0) return shutdown;
	const batch = storage.batch();
	for (const row of aliases) {
		storage.aliases.remove(batch, row.alias);
		if (isRoomId(shutdown.newRoomId)) {
			storage.aliases.add(batch, {...row, roomId: shutdown.newRoomId, servers: [serverName]});
		}
	}
	storage.rooms.setPublished(batch, roomId, false);
	await storage.commit(batch);
	const names: RoomAlias[] = aliases.map(({alias}) => alias);
	return {...shutdown, localAliases: [...new Set([...shutdown.localAliases, ...names])]};
}

/** Removes what is kept of a room piece by piece. From the first commit on nobody sees any of it. */
async function removeRows(
	dependencies: AdministrationDependencies,
	task: AdministrativeTaskRow,
	work: Work,
	goOn: () => Promise<boolean>,
): Promise<DeletionStep> {
	const {storage} = dependencies;
	const {roomId} = work;
	const closing = storage.batch();
	if ((await storage.rooms.find(roomId))?.headRoot !== null) storage.rooms.close(closing, roomId);
	await storage.commit(closing);
	let count = 0;
	for (;;) {
		const batch = storage.batch();
		const removed = storage.rooms.removePiece(batch, roomId);
		await storage.commit(batch);
		if (removed.value === 0) break;
		count += removed.value;
		if (!(await goOn())) return {isDone: false, count};
	}
	await unblockUnlessWanted(dependencies, work);
	await saveTask(dependencies, task, 'complete', readShutdown(task));
	return {isDone: false, count, inMs: TOLD_FOR_MS, payload: writeWork({...work, phase: 'forget'})};
}

async function unblockUnlessWanted({storage}: AdministrationDependencies, work: Work): Promise<void> {
	if (work.block) return;
	const batch = storage.batch();
	storage.rooms.setBlocked(batch, work.roomId, false);
	await storage.commit(batch);
}

/** Removes the last of a room, unless somebody has entered it anew. */
async function forget({storage}: AdministrationDependencies, {roomId}: Work): Promise<DeletionStep> {
	const row = await storage.rooms.find(roomId);
	if (row === undefined || row.headRoot !== null) return {isDone: true, count: 0};
	const batch = storage.batch();
	storage.rooms.expectHead(batch, roomId, row.headVersion);
	storage.rooms.remove(batch, roomId);
	if (row.isBlocked) {
		storage.rooms.add(batch, {roomId, version: row.version, creator: null});
		storage.rooms.setBlocked(batch, roomId, true);
	}
	try {
		await storage.commit(batch);
		return {isDone: true, count: 1};
	} catch (error) {
		if (error instanceof ConflictError && error.condition === 'room_head') return {isDone: true, count: 0};
		throw error;
	}
}
