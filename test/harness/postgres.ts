/**
 * A PostgreSQL of the test's own, from the machine's binaries: on a loopback address, with a cluster in a temporary
 * directory, as an unprivileged user where the tests run as root (PostgreSQL refuses root).
 */
import {type ChildProcess, execFileSync, spawn, spawnSync} from 'node:child_process';
import {
	chownSync,
	closeSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	openSync,
	readdirSync,
	readFileSync,
	rmSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {delimiter, join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import type {Client} from 'pg';
import {allocateAddress, findFreePort} from './addresses.ts';

const VERSION_MIN = 15;
const READY_WITHIN_MS = 30_000;
const DISPOSED_WITHIN_MS = 5_000;
const USER = 'broadsheet';

/** Where the programs of PostgreSQL 15 or newer are, or why the tests that need them are skipped. */
export function findPostgres(): {readonly programs: string} | {readonly skipped: string} {
	const packaged = '/usr/lib/postgresql';
	const versions = existsSync(packaged)
		? readdirSync(packaged)
				.map(Number)
				.toSorted((a, b) => b - a)
		: [];
	const directories = [
		...versions.filter((version) => version >= VERSION_MIN).map((version) => join(packaged, String(version), 'bin')),
		...(process.env['PATH'] ?? '').split(delimiter),
	];
	const programs = directories.find((directory) =>
		['initdb', 'postgres'].every((name) => existsSync(join(directory, name))),
	);
	if (programs === undefined) return {skipped: `no PostgreSQL ${VERSION_MIN} or newer on this machine`};
	try {
		findUser();
		return {programs};
	} catch (cause) {
		return {skipped: cause instanceof Error ? cause.message : String(cause)};
	}
}

interface UnprivilegedUser {
	readonly uid: number;
	readonly gid: number;
}

/** The user as whom PostgreSQL runs; undefined: as whom the tests run. */
function findUser(): UnprivilegedUser | undefined {
	if (process.getuid?.() !== 0) return undefined;
	const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
	for (const name of ['postgres', 'nobody']) {
		const fields = lines.find((line) => line.startsWith(`${name}:`))?.split(':');
		if (fields !== undefined) return {uid: Number(fields[2]), gid: Number(fields[3])};
	}
	throw new Error('no unprivileged user to run PostgreSQL as');
}

/** How a cluster differs from the usual one. */
export interface ClusterOptions {
	/** Called with the cluster's directory while it is empty, and with who will own it: it may be a disk of its own. */
	readonly prepare?: (data: string, owner: UnprivilegedUser | undefined) => void;
	/** Whether the write-ahead log lies outside the cluster's directory. */
	readonly isLogApart?: boolean;
}

/** A cluster with its server, running or not. Dispose of it to end and remove it. */
export class PostgresServer implements AsyncDisposable {
	readonly #programs: string;
	readonly #directory: string;
	readonly #address: string;
	readonly #port: number;
	readonly #user: UnprivilegedUser | undefined;
	#child: ChildProcess | undefined;

	private constructor(programs: string, directory: string, address: string, port: number) {
		this.#programs = programs;
		this.#directory = directory;
		this.#address = address;
		this.#port = port;
		this.#user = findUser();
		process.once('exit', () => this.#killAll());
	}

	/** Makes a cluster and starts its server. */
	static async start(programs: string): Promise<PostgresServer> {
		const server = await PostgresServer.create(programs);
		await server.start();
		return server;
	}

	/** Makes a cluster; the first `start()` is the caller's. */
	static async create(programs: string, options: ClusterOptions = {}): Promise<PostgresServer> {
		const directory = mkdtempSync(join(tmpdir(), 'broadsheet-postgres-'));
		const address = allocateAddress();
		const server = new PostgresServer(programs, directory, address, await findFreePort(address));
		const directories = [directory];
		if (options.prepare !== undefined) {
			mkdirSync(server.data);
			options.prepare(server.data, server.owner);
			directories.push(server.data);
		}
		const user = server.#user;
		if (user !== undefined) for (const path of directories) chownSync(path, user.uid, user.gid);
		const log = options.isLogApart === true ? [`--waldir=${join(directory, 'wal')}`] : [];
		const settings = ['--encoding=UTF8', '--locale=C', '--auth=trust', `--username=${USER}`, '--wal-segsize=1'];
		execFileSync(join(programs, 'initdb'), ['--no-sync', ...log, ...settings, `--pgdata=${server.data}`], {
			stdio: 'pipe',
			cwd: directory,
			...server.#user,
		});
		return server;
	}

	/** Whether the server has been started and has not ended. */
	get isRunning(): boolean {
		return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
	}

	/** As whom the server runs; undefined: as whom the tests run. */
	get owner(): UnprivilegedUser | undefined {
		return this.#user;
	}

	/** The cluster's directory. */
	get data(): string {
		return join(this.#directory, 'cluster');
	}

	/** The URL of a database that has been created. */
	urlOf(database: string): string {
		return `postgres://${USER}@${this.#address}:${this.#port}/${database}`;
	}

	/** Creates a database, empty or a copy of another one that nobody is connected to; its URL. */
	async createDatabase(name: string, copyOf?: string): Promise<string> {
		const client = await this.#connect();
		const template = copyOf === undefined ? '' : ` TEMPLATE ${client.escapeIdentifier(copyOf)}`;
		await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}${template}`);
		await client.end();
		return this.urlOf(name);
	}

	async #connect(): Promise<Client> {
		// Loaded by the tests that use it.
		const {Client: PostgresClient} = await import('pg');
		const client = new PostgresClient({connectionString: this.urlOf('postgres')});
		// A server that is killed takes its connections with it, which is no news to whoever kills it.
		client.on('error', () => undefined);
		await client.connect();
		return client;
	}

	/** Starts the server and waits until it takes connections; what is in `environment` is added to its own. */
	async start(environment: Readonly<Record<string, string>> = {}): Promise<void> {
		const settings = {
			listen_addresses: this.#address,
			port: String(this.#port),
			unix_socket_directories: '',
			max_connections: '60',
			shared_buffers: '32MB',
			// In files of the cluster, which go with it: what a killed server had in /dev/shm would stay there.
			dynamic_shared_memory_type: 'mmap',
			fsync: 'on',
			synchronous_commit: 'on',
			full_page_writes: 'on',
		};
		const log = openSync(join(this.#directory, 'log'), 'a', 0o666);
		const child = spawn(
			join(this.#programs, 'postgres'),
			['-D', this.data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
			{stdio: ['ignore', log, log], cwd: this.#directory, env: {...process.env, ...environment}, ...this.#user},
		);
		closeSync(log);
		this.#child = child;
		const end = performance.now() + READY_WITHIN_MS;
		for (;;) {
			if (child.exitCode !== null || child.signalCode !== null) {
				throw new Error(`expected PostgreSQL to start: ${this.readLog().slice(-1_000)}`);
			}
			try {
				await (await this.#connect()).end();
				return;
			} catch (cause) {
				if (performance.now() > end) throw new Error('expected PostgreSQL to take connections', {cause});
				await sleep(50);
			}
		}
	}

	/** Ends the server in order (its fast shutdown). */
	async stop(): Promise<void> {
		await this.#end(() => this.#child?.kill('SIGINT'));
	}

	/** SIGKILL to the server and all its processes, as a power loss would end them. */
	async kill(): Promise<void> {
		let killed: readonly number[] = [];
		await this.#end(() => {
			killed = this.#killAll();
		});
		// Until the last one is gone its memory is in use, and no server starts on these files.
		while (killed.some(isAlive)) await sleep(5);
	}

	/**
	 * Asks PostgreSQL whether a database's tables and indexes are whole: `ok`, what is wrong, or `skipped:` and why. The
	 * server must run.
	 */
	checkPages(database: string): string {
		const program = join(this.#programs, 'pg_amcheck');
		if (!existsSync(program) || !this.#hasExtension('amcheck')) {
			return 'skipped: pg_amcheck or its extension is not on this machine';
		}
		const place = ['--host', this.#address, '--port', String(this.#port), '--username', USER, '--no-password'];
		const thorough = ['--install-missing', '--heapallindexed', '--parent-check', '--jobs=2'];
		const {status, stdout, stderr} = spawnSync(program, [...place, ...thorough, database], {encoding: 'utf8'});
		return status === 0 ? 'ok' : `pg_amcheck: ${stdout}${stderr}`.slice(0, 1_000);
	}

	#hasExtension(name: string): boolean {
		const {stdout} = spawnSync(join(this.#programs, 'pg_config'), ['--sharedir'], {encoding: 'utf8'});
		return typeof stdout === 'string' && existsSync(join(stdout.trim(), 'extension', `${name}.control`));
	}

	/** What the server has printed. */
	readLog(): string {
		return readFileSync(join(this.#directory, 'log'), 'utf8');
	}

	async #end(signal: () => void): Promise<void> {
		const child = this.#child;
		if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
		const ended = new Promise<void>((resolve) => {
			child.once('exit', () => resolve());
		});
		signal();
		await ended;
		this.#child = undefined;
	}

	/**
	 * Its processes are sessions of their own, so that no signal reaches them together; the first is held meanwhile. Gives
	 * the others, which nobody here is told the end of.
	 */
	#killAll(): readonly number[] {
		const pid = this.#child?.pid;
		if (pid === undefined || this.#child?.exitCode !== null || this.#child.signalCode !== null) return [];
		process.kill(pid, 'SIGSTOP');
		const others = listChildren(pid);
		for (const other of others) {
			try {
				process.kill(other, 'SIGKILL');
			} catch {
				// It has ended between the listing and the signal.
			}
		}
		process.kill(pid, 'SIGKILL');
		return others;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		// Its immediate shutdown gives back the memory that it shares with nobody any more, which a kill does not.
		const late = setTimeout(() => this.#killAll(), DISPOSED_WITHIN_MS);
		await this.#end(() => this.#child?.kill('SIGQUIT'));
		clearTimeout(late);
		rmSync(this.#directory, {recursive: true, force: true});
	}
}

function listChildren(pid: number): number[] {
	const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
	return text === '' ? [] : text.split(' ').map(Number);
}

/** Whether a process runs. One that has ended and that nobody has asked about holds nothing any more. */
function isAlive(pid: number): boolean {
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
		return !/^ [XZ]/u.test(stat.slice(stat.lastIndexOf(')') + 1));
	} catch {
		return false;
	}
}
