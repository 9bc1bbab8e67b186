/** A homeserver as a process: started, stopped, killed and started again, on the same name, ports and data. */
import {type ChildProcess, spawn} from 'node:child_process';
import {closeSync, existsSync, openSync, readFileSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import type {ClientTarget} from './client.ts';

const READY_WITHIN_MS = 30_000;
/** The contract's ten seconds, and a little for a loaded machine. */
const STOPPED_WITHIN_MS = 15_000;

const running = new Set<ChildProcess>();
process.on('exit', () => {
	for (const child of running) child.kill('SIGKILL');
});

/** Where a server lives and what starts it. */
export interface ServerPlace {
	readonly address: string;
	/** The server's name in the federation. */
	readonly name: string;
	/** Where clients reach it, without a trailing slash. */
	readonly url: string;
	/** Configuration, data and log. */
	readonly directory: string;
	/** Whether the directory goes with the server. */
	readonly isTemporary: boolean;
	/** Another program than ours. */
	readonly isForeign?: boolean;
	/** Within which time it must answer after its start; default 30 s. */
	readonly readyWithinMs?: number;
	/** Program and arguments. */
	readonly command: readonly string[];
	/** Added to the environment. */
	readonly environment: Readonly<Record<string, string>>;
}

/** One server, running or not. */
export class ServerProcess implements ClientTarget, AsyncDisposable {
	readonly address: string;
	/** The server's name in the federation: address and TLS port. */
	readonly name: string;
	readonly url: string;
	readonly isForeign: boolean;
	readonly directory: string;
	/** The data directory: database, signing key, media. */
	readonly data: string;
	readonly #place: ServerPlace;
	readonly #logFile: string;
	#child: ChildProcess | undefined;

	constructor(place: ServerPlace) {
		this.address = place.address;
		this.name = place.name;
		this.url = place.url;
		this.isForeign = place.isForeign ?? false;
		this.directory = place.directory;
		this.data = join(place.directory, 'data');
		this.#place = place;
		this.#logFile = join(place.directory, 'log');
	}

	/** The process's id while it runs. */
	get pid(): number | undefined {
		return this.#child?.pid;
	}

	/** Starts the process and waits until it answers; gives the milliseconds that took. */
	async start(environment: Readonly<Record<string, string>> = {}): Promise<number> {
		if (this.#child !== undefined) throw new Error(`expected ${this.name} to be down, but it runs`);
		const begun = performance.now();
		const log = openSync(this.#logFile, 'a');
		const [program = '', ...args] = this.#place.command;
		const child = spawn(program, args, {
			stdio: ['ignore', log, log],
			env: {...process.env, ...this.#place.environment, ...environment},
		});
		closeSync(log);
		running.add(child);
		child.once('exit', () => {
			running.delete(child);
			if (this.#child === child) this.#child = undefined;
		});
		this.#child = child;
		await this.#waitUntilReady(child, begun);
		return performance.now() - begun;
	}

	async #waitUntilReady(child: ChildProcess, begun: number): Promise<void> {
		const {readyWithinMs = READY_WITHIN_MS} = this.#place;
		for (;;) {
			if (hasEnded(child)) throw new Error(`expected ${this.name} to start, but it ended: ${this.#logTail()}`);
			if (await answers(this.url)) return;
			if (performance.now() - begun > readyWithinMs) {
				await this.kill();
				throw new Error(`expected ${this.name} to answer within ${readyWithinMs} ms: ${this.#logTail()}`);
			}
			await sleep(20);
		}
	}

	/** SIGTERM, and waits for the end. @throws where the exit code is not 0 or the contract's time has passed. */
	async stop(): Promise<void> {
		const child = this.#child;
		if (child === undefined) return;
		const late = setTimeout(() => child.kill('SIGKILL'), STOPPED_WITHIN_MS);
		await end(child, 'SIGTERM');
		clearTimeout(late);
		if (child.exitCode !== 0) {
			throw new Error(`expected exit code 0, got ${child.exitCode ?? child.signalCode}: ${this.#logTail()}`);
		}
	}

	/** SIGKILL, and waits for the end. */
	async kill(): Promise<void> {
		if (this.#child !== undefined) await end(this.#child, 'SIGKILL');
	}

	/** What the server has printed since it was first started. */
	readLog(): string {
		return existsSync(this.#logFile) ? readFileSync(this.#logFile, 'utf8') : '';
	}

	#logTail(): string {
		return this.readLog().slice(-1_000);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.kill();
		if (this.#place.isTemporary) rmSync(this.directory, {recursive: true, force: true});
	}
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
	if (hasEnded(child)) return;
	const ended = new Promise<void>((resolve) => {
		child.once('exit', () => resolve());
	});
	child.kill(signal);
	await ended;
}

async function answers(url: string): Promise<boolean> {
	try {
		const reply = await fetch(`${url}/_matrix/client/versions`, {signal: AbortSignal.timeout(5_000)});
		await reply.arrayBuffer();
		return reply.ok;
	} catch {
		return false;
	}
}
