/** A server with its store on disks that can lose power, and the crash that takes all of it down at once. */
import {join} from 'node:path';
import Database from 'better-sqlite3';
import {findPostgres, PostgresServer, type SeededRandom, type ServerProcess, startServer} from '../harness/index.ts';
import {listFaults, readPostgres, readSqlite} from '../harness/store-check/index.ts';
import {buildDisk, Disk, type Survival} from './disk.ts';

/** Where the server keeps its facts. */
export type Store = 'sqlite' | 'postgres';
/**
 * What happens: the server is killed; the power goes and the disk keeps what was fsynced; or of the rest each page is
 * kept by the toss of a coin.
 */
export type Crash = 'kill' | 'power-loss' | 'torn-power-loss';

export const STORES: readonly Store[] = ['sqlite', 'postgres'];
export const CRASHES: readonly Crash[] = ['kill', 'power-loss', 'torn-power-loss'];

/** The database's name on PostgreSQL. */
const DATABASE = 'crash';

/** Why this cannot be run on this machine, or undefined. */
export function findObstacle(store: Store, crash: Crash): string | undefined {
	const postgres = store === 'postgres' ? findPostgres() : undefined;
	if (postgres !== undefined && 'skipped' in postgres) return postgres.skipped;
	const disk = crash === 'kill' ? undefined : buildDisk();
	return disk !== undefined && 'skipped' in disk ? disk.skipped : undefined;
}

/** How long things took to come back. */
export interface Recovery {
	/** Until the store took connections: PostgreSQL's own recovery, and the work of our disk; nothing where it stayed up. */
	readonly storeMs: number;
	/** From then on, until the server answered requests. */
	readonly servingMs: number;
}

/** Everything that a crash takes down. Dispose of it to remove it. */
export class Stage implements AsyncDisposable {
	readonly server: ServerProcess;
	readonly #postgres: PostgresServer | undefined;
	readonly #disks: readonly {readonly disk: Disk; readonly kind: Store}[];
	readonly #crash: Crash;
	readonly #random: SeededRandom;

	private constructor(parts: {
		server: ServerProcess;
		postgres: PostgresServer | undefined;
		disks: readonly {readonly disk: Disk; readonly kind: Store}[];
		crash: Crash;
		random: SeededRandom;
	}) {
		this.server = parts.server;
		this.#postgres = parts.postgres;
		this.#disks = parts.disks;
		this.#crash = parts.crash;
		this.#random = parts.random;
	}

	/** Starts the store and the server. @throws where {@link findObstacle} tells of one. */
	static async open(store: Store, crash: Crash, random: SeededRandom): Promise<Stage> {
		const disks: {disk: Disk; kind: Store}[] = [];
		const postgres = store === 'postgres' ? await createPostgres() : undefined;
		if (postgres !== undefined && crash !== 'kill') {
			const {data, owner} = postgres;
			const options = {data, isWhole: true, hasNames: true, ...(owner !== undefined && {owner})};
			disks.push({disk: mount(options), kind: 'postgres'});
		}
		await postgres?.start(environmentOf(disks, 'postgres'));
		const database = await postgres?.createDatabase(DATABASE);
		const server = await startServer({isHeld: true, ...(database !== undefined && {config: {database}})});
		if (crash !== 'kill') disks.push({disk: mount({data: server.data}), kind: 'sqlite'});
		const stage = new Stage({server, postgres, disks, crash, random});
		await server.start(environmentOf(disks, 'sqlite'));
		return stage;
	}

	/** Takes it all down at this moment, and starts it again. */
	async crash(): Promise<Recovery> {
		await this.server.kill();
		const begun = performance.now();
		if (this.#crash !== 'kill') {
			await this.#postgres?.kill();
			for (const {disk, kind} of this.#disks) disk.losePower(this.#survival(kind));
			await this.#postgres?.start(environmentOf(this.#disks, 'postgres'));
		}
		const storeMs = performance.now() - begun;
		return {storeMs, servingMs: await this.server.start(environmentOf(this.#disks, 'sqlite'))};
	}

	/** PostgreSQL's own care for torn pages rests on its log being whole up to the last fsync, as SQLite's does. */
	#survival(kind: Store): Survival {
		return this.#crash === 'torn-power-loss' ? {random: this.#random.fork(kind)} : 'durable-only';
	}

	/** Stops the server in order and asks whether the store and the facts in it are whole; what is wrong, if anything. */
	async checkStore(): Promise<readonly string[]> {
		await this.server.stop();
		const damage = this.#postgres?.checkPages(DATABASE) ?? checkFile(this.#file);
		if (damage.startsWith('skipped')) console.log(damage);
		else if (damage !== 'ok') return [damage];
		await using reader = this.#postgres ? await readPostgres(this.#postgres.urlOf(DATABASE)) : readSqlite(this.#file);
		return await listFaults(reader);
	}

	get #file(): string {
		return join(this.server.data, 'broadsheet.db');
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.server[Symbol.asyncDispose]();
		await this.#postgres?.[Symbol.asyncDispose]();
		for (const {disk} of this.#disks) disk[Symbol.dispose]();
	}
}

/** What SQLite says of its file: `ok`, or what is wrong. */
function checkFile(path: string): string {
	const database = new Database(path, {readonly: true});
	try {
		const integrity = String(database.pragma('integrity_check', {simple: true}));
		const strangers = database.pragma('foreign_key_check') as readonly object[];
		return strangers.length > 0 ? `foreign keys: ${JSON.stringify(strangers).slice(0, 200)}` : integrity;
	} finally {
		database.close();
	}
}

async function createPostgres(): Promise<PostgresServer> {
	const found = findPostgres();
	if ('skipped' in found) throw new Error(found.skipped);
	return PostgresServer.create(found.programs);
}

function mount(options: ConstructorParameters<typeof Disk>[1]): Disk {
	const built = buildDisk();
	if ('skipped' in built) throw new Error(built.skipped);
	return new Disk(built.library, options);
}

/** What the program that owns the disk of this kind must be started with. */
function environmentOf(
	disks: readonly {readonly disk: Disk; readonly kind: Store}[],
	kind: Store,
): Record<string, string> {
	return disks.find((row) => row.kind === kind)?.disk.environment ?? {};
}
