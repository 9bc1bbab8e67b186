import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {generateSigningKey, type JsonObject, type ServerName, type UserId, verify} from '../../crypto/index.ts';
import {
	createEngine,
	type Engine,
	type EngineOptions,
	type EventTemplate,
	type RemoteEvents,
	systemClock,
	systemRandom,
} from '../../federation/engine/index.ts';
import type {RoomVersionId} from '../../federation/rooms/index.ts';
import {type Batch, openStorage, type Storage} from '../../storage/index.ts';

/** An engine over a database of its own, without a network. */
export interface TestEngine extends AsyncDisposable {
	readonly engine: Engine;
	readonly storage: Storage;
	readonly serverName: ServerName;
	readonly url: string;
}

/** Asks nobody: every question to another server fails as if it could not be reached. */
export const unreachable: RemoteEvents = {
	getEvent: () => Promise.reject(new Error('unreachable')),
	getMissingEvents: () => Promise.reject(new Error('unreachable')),
	getStateIds: () => Promise.reject(new Error('unreachable')),
	getState: () => Promise.reject(new Error('unreachable')),
	getEventAuth: () => Promise.reject(new Error('unreachable')),
	backfill: () => Promise.reject(new Error('unreachable')),
	findByTime: () => Promise.reject(new Error('unreachable')),
};

/** Makes an engine over an open database, as one process of the server has it. */
export function engineOver(storage: Storage, serverName: string, over: Partial<EngineOptions> = {}): Engine {
	return createEngine({
		storage,
		serverName: serverName as ServerName,
		signer: generateSigningKey(),
		clock: systemClock,
		random: systemRandom,
		remote: unreachable,
		signatures: {check: () => Promise.resolve({allowed: true})},
		verifySignature: verify,
		notifies: (pdu) => pdu.type === 'm.room.message',
		onDamage: () => undefined,
		...over,
	});
}

/** Makes an engine; `over` replaces parts of it, `wrap` stands between it and its database. */
export async function makeEngine(
	serverName = 'one.test',
	options: {
		readonly over?: Partial<EngineOptions>;
		readonly wrap?: (storage: Storage) => Storage;
		/** The database of another engine, as a second process would use it. */
		readonly url?: string;
	} = {},
): Promise<TestEngine> {
	const directory = mkdtempSync(join(tmpdir(), 'broadsheet-engine-'));
	const url = options.url ?? `sqlite:${join(directory, 'test.db')}`;
	const storage = await openStorage({url, serverName});
	const engine = engineOver(options.wrap?.(storage) ?? storage, serverName, options.over);
	return {
		engine,
		storage,
		serverName: serverName as ServerName,
		url,
		async [Symbol.asyncDispose]() {
			await storage.close();
			rmSync(directory, {recursive: true, force: true});
		},
	};
}

/** A database whose commits wait, in their order, while the gate is closed. */
export function gated(storage: Storage) {
	const gate = {waiting: 0, open: (): void => undefined};
	let opened = Promise.resolve();
	const close = (): void => {
		opened = new Promise((resolve) => {
			gate.open = resolve;
		});
	};
	const commit = async (batch: Batch): Promise<void> => {
		gate.waiting += 1;
		await opened;
		gate.waiting -= 1;
		await storage.commit(batch);
	};
	const wrapped: Storage = Object.create(storage, {commit: {value: commit}});
	return {wrapped, gate, close};
}

/** A message, as it is given to an engine to send. */
export const message = (sender: UserId, body: string): EventTemplate => ({
	type: 'm.room.message',
	sender,
	content: {msgtype: 'm.text', body},
});

/** A piece of state likewise. */
export const state = (sender: UserId, type: string, content: JsonObject, stateKey = '') => ({
	type,
	stateKey,
	sender,
	content,
});

/** The events that a private room of one person begins with. */
export function firstEvents(version: RoomVersionId, creator: UserId, joinRule = 'invite') {
	const hasCreatorKey = Number(version) <= 10;
	return [
		state(creator, 'm.room.create', {room_version: version, ...(hasCreatorKey && {creator})}),
		state(creator, 'm.room.member', {membership: 'join'}, creator),
		state(creator, 'm.room.power_levels', {users: Number(version) >= 12 ? {} : {[creator]: 100}}),
		state(creator, 'm.room.join_rules', {join_rule: joinRule}),
		state(creator, 'm.room.history_visibility', {history_visibility: 'shared'}),
	];
}
