import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {generateSigningKey, type JsonObject, type ServerName, type UserId, verify} from '../../crypto/index.ts';
import {
	createEngine,
	type Engine,
	type EngineOptions,
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

/** The events that a private room of one person begins with. */
export function firstEvents(version: RoomVersionId, creator: UserId, joinRule = 'invite') {
	const state = (type: string, content: JsonObject, stateKey = '') => ({type, stateKey, sender: creator, content});
	const hasCreatorKey = Number(version) <= 10;
	return [
		state('m.room.create', {room_version: version, ...(hasCreatorKey && {creator})}),
		state('m.room.member', {membership: 'join'}, creator),
		state('m.room.power_levels', {users: Number(version) >= 12 ? {} : {[creator]: 100}}),
		state('m.room.join_rules', {join_rule: joinRule}),
		state('m.room.history_visibility', {history_visibility: 'shared'}),
	];
}
