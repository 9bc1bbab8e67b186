/**
 * The built server as a process of its own: on a loopback address of its own, with TLS from a private authority, driven
 * as an operator would drive it (a configuration file, signals, logs). For tests of what only whole processes show.
 */
import {type ChildProcess, spawn} from 'node:child_process';
import {closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {allocateAddress, findFreePort} from './addresses.ts';
import {type CertificateAuthority, createAuthority} from './certificates.ts';
import type {ClientTarget} from './client.ts';

/** The program under test, as `npm run build` leaves it. */
export const SERVER_PROGRAM = join(process.cwd(), 'dist/server/main.js');
/** The secret of Synapse-compatible registration on every server that is started here. */
export const REGISTRATION_SHARED_SECRET = 'harness';
const READY_WITHIN_MS = 30_000;
/** The contract's ten seconds, and a little for a loaded machine. */
const STOPPED_WITHIN_MS = 15_000;

/** How a server differs from the usual one. */
export interface ServerOptions {
	/** Shared by servers that federate; each gets an authority of its own by default and so trusts nobody. */
	readonly authority?: CertificateAuthority;
	/** Holds configuration, data and log; by default a temporary directory that goes with the server. */
	readonly directory?: string;
	/** Merged over the configuration's top level. */
	readonly config?: Readonly<Record<string, unknown>>;
	/** Added to the environment, such as LD_PRELOAD. */
	readonly environment?: Readonly<Record<string, string>>;
	/** Starts nothing; the first `start()` is the caller's. */
	readonly isHeld?: boolean;
}

/** One server, running or not; ports, name and data stay the same across restarts. */
export interface ServerProcess extends ClientTarget, AsyncDisposable {
	readonly address: string;
	/** The server's name in the federation: address and TLS port. */
	readonly name: string;
	readonly directory: string;
	/** The data directory: database, signing key, media. */
	readonly data: string;
	/** The process's id while it runs. */
	readonly pid: number | undefined;
	/** Starts the process and waits until it answers; gives the milliseconds that took. */
	start(environment?: Readonly<Record<string, string>>): Promise<number>;
	/** SIGTERM, and waits for the end. @throws where the exit code is not 0 or the contract's time has passed. */
	stop(): Promise<void>;
	/** SIGKILL, and waits for the end. */
	kill(): Promise<void>;
	/** What the server has printed since it was first started. */
	readLog(): string;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
	for (const child of running) child.kill('SIGKILL');
});

/** Starts one server and waits until it is ready. */
export async function startServer(options: ServerOptions = {}): Promise<ServerProcess> {
	if (!existsSync(SERVER_PROGRAM)) throw new Error(`expected the built server at ${SERVER_PROGRAM}: npm run build`);
	const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'broadsheet-server-'));
	mkdirSync(directory, {recursive: true});
	const address = allocateAddress();
	const clientPort = await findFreePort(address);
	const federationPort = await findFreePort(address);
	const authority = options.authority ?? createAuthority(join(directory, 'tls'));
	const place = {directory, address, clientPort, federationPort};
	writeFileSync(join(directory, 'homeserver.yaml'), JSON.stringify(configuration(place, authority, options), null, 1));
	const server = new OwnedServer(place, options);
	if (options.isHeld !== true) await server.start();
	return server;
}

/** Several servers that trust one authority and reach each other. */
export interface Servers extends AsyncDisposable {
	readonly list: readonly ServerProcess[];
	readonly authority: CertificateAuthority;
}

/** Starts `count` servers of one private federation; disposing of the answer ends and removes them all. */
export async function startServers(count: number, options: Omit<ServerOptions, 'directory'> = {}): Promise<Servers> {
	const directory = mkdtempSync(join(tmpdir(), 'broadsheet-servers-'));
	const authority = options.authority ?? createAuthority(join(directory, 'tls'));
	const list: ServerProcess[] = [];
	const dispose = async () => {
		await Promise.all(list.map((server) => server[Symbol.asyncDispose]()));
		rmSync(directory, {recursive: true, force: true});
	};
	try {
		for (let index = 0; index < count; index += 1) {
			list.push(await startServer({...options, authority, directory: join(directory, `server-${index}`)}));
		}
	} catch (cause) {
		await dispose();
		throw cause;
	}
	return {list, authority, [Symbol.asyncDispose]: dispose};
}

interface Place {
	readonly directory: string;
	readonly address: string;
	readonly clientPort: number;
	readonly federationPort: number;
}

function configuration(place: Place, authority: CertificateAuthority, options: ServerOptions): object {
	const {address, clientPort, federationPort, directory} = place;
	return {
		server_name: `${address}:${federationPort}`,
		public_url: `http://${address}:${clientPort}`,
		data: join(directory, 'data'),
		listeners: [
			{address, port: clientPort, serves: ['client', 'admin', 'metrics']},
			{address, port: federationPort, serves: ['federation'], tls: authority.issue(address)},
		],
		registration: 'open',
		registration_shared_secret: REGISTRATION_SHARED_SECRET,
		rate_limits: 'off',
		federation: {
			mode: 'open',
			trusted_certificates: [authority.certificate],
			allow_private_addresses: ['127.0.0.0/8'],
		},
		log: {level: 'info', format: 'json'},
		...options.config,
	};
}

class OwnedServer implements ServerProcess {
	readonly address: string;
	readonly name: string;
	readonly url: string;
	readonly directory: string;
	readonly data: string;
	readonly #environment: Readonly<Record<string, string>>;
	readonly #logFile: string;
	readonly #isTemporary: boolean;
	#child: ChildProcess | undefined;

	constructor(place: Place, options: ServerOptions) {
		this.address = place.address;
		this.name = `${place.address}:${place.federationPort}`;
		this.url = `http://${place.address}:${place.clientPort}`;
		this.directory = place.directory;
		this.data = join(place.directory, 'data');
		this.#environment = options.environment ?? {};
		this.#logFile = join(place.directory, 'log');
		this.#isTemporary = options.directory === undefined;
	}

	get pid(): number | undefined {
		return this.#child?.pid;
	}

	async start(environment: Readonly<Record<string, string>> = {}): Promise<number> {
		if (this.#child !== undefined) throw new Error(`expected ${this.name} to be down, but it runs`);
		const begun = performance.now();
		const log = openSync(this.#logFile, 'a');
		const child = spawn(process.execPath, [SERVER_PROGRAM, '--config', join(this.directory, 'homeserver.yaml')], {
			stdio: ['ignore', log, log],
			env: {...process.env, ...this.#environment, ...environment},
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
		for (;;) {
			if (hasEnded(child)) throw new Error(`expected ${this.name} to start, but it ended: ${this.#logTail()}`);
			if (await answers(this.url)) return;
			if (performance.now() - begun > READY_WITHIN_MS) {
				await this.kill();
				throw new Error(`expected ${this.name} to answer within ${READY_WITHIN_MS} ms: ${this.#logTail()}`);
			}
			await sleep(20);
		}
	}

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

	async kill(): Promise<void> {
		if (this.#child !== undefined) await end(this.#child, 'SIGKILL');
	}

	readLog(): string {
		return existsSync(this.#logFile) ? readFileSync(this.#logFile, 'utf8') : '';
	}

	#logTail(): string {
		return this.readLog().slice(-1_000);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.kill();
		if (this.#isTemporary) rmSync(this.directory, {recursive: true, force: true});
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
