/** Several processes of one server over one PostgreSQL, and what a client does that knows only their addresses. */
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import type {EventId, RoomId} from '../../../crypto/index.ts';
import {
	type Answer,
	type App,
	type CallOptions,
	call,
	createSeededRandom,
	request,
	type SeededRandom,
	startApp,
} from '../../harness/index.ts';

/** An event that has its place in a room's timeline. */
export interface Placed {
	readonly eventId: EventId;
	readonly pos: number;
	readonly type: string;
	readonly stateKey: string | null;
	readonly membership: string | undefined;
}

/** Several processes; which of them takes a request, chance decides. */
export class Processes {
	readonly apps: readonly App[];
	readonly random: SeededRandom;

	private constructor(apps: readonly App[], random: SeededRandom) {
		this.apps = apps;
		this.random = random;
	}

	/** Starts processes over one database, with one key and one directory. */
	static async start(t: ExecutionContext, database: string, count: number, seed: number): Promise<Processes> {
		const data = mkdtempSync(join(tmpdir(), 'broadsheet-processes-'));
		const apps: App[] = [];
		const config = {database, data, federation: {mode: 'off'}};
		// The first one makes the key and the tables.
		for (let n = 0; n < count; n += 1) apps.push(await startApp(t, {config}));
		t.teardown(() => rmSync(data, {recursive: true, force: true}));
		return new Processes(apps, createSeededRandom(seed));
	}

	/** Gives one of the processes. */
	pick(): App {
		return this.random.pick(this.apps);
	}

	/** Sends a request that must succeed to one of the processes. */
	call<T = Record<string, unknown>>(method: string, path: string, options: CallOptions = {}): Promise<T> {
		return call<T>(this.pick(), method, path, options);
	}

	/** Sends a request to one of the processes. */
	request<T = Record<string, unknown>>(method: string, path: string, options: CallOptions = {}): Promise<Answer<T>> {
		return request<T>(this.pick(), method, path, options);
	}

	/** Lists a room's timeline as it is on disk, in the order of its positions. */
	async listTimeline(roomId: RoomId): Promise<Placed[]> {
		const {storage} = this.apps[0]!.application;
		const rows = await storage.events.listTimeline({roomId, direction: 'forwards', limit: 10_000});
		return rows.map(({eventId, anchor, type, stateKey, json}) => {
			const {content} = JSON.parse(json) as {content: {membership?: string}};
			return {eventId, pos: anchor ?? 0, type, stateKey, membership: content.membership};
		});
	}
}
