/** A server with its store on disks that can lose power, and the crash that takes all of it down at once. */
import {join} from 'node:path';
import Database from 'better-sqlite3';
import {findPostgres, PostgresServer, type SeededRandom, type ServerProcess, startServer} from '../harness/index.ts';
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

/** Why this cannot be run on this machine, or undefined. */
export function findObstacle(store: Store, crash: Crash): string | undefined {
	const postgres = store === 'postgres' ? findPostgres() : undefined;
	if (postgres !== undefined && 'skipped' in postgres) return postgres.skipped;
	const disk = crash === 'kill' ? undefined : buildDisk();
	return disk !== undefined && 'skipped' in disk ? disk.skipped : undefined;
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
		const database = await postgres?.createDatabase('crash');
		const server = await startServer({isHeld: true, ...(database !== undefined && {config: {database}})});
		if (crash !== 'kill') disks.push({disk: mount({data: server.data}), kind: 'sqlite'});
		const stage = new Stage({server, postgres, disks, crash, random});
		await server.start(environmentOf(disks, 'sqlite'));
		return stage;
	}

	/** Takes it all down at this moment, and starts it again; gives the server's milliseconds until it served. */
	async crash(): Promise<number> {
		await this.server.kill();
		if (this.#crash !== 'kill') {
			await this.#postgres?.kill();
			for (const {disk, kind} of this.#disks) disk.losePower(this.#survival(kind));
			await this.#postgres?.start(environmentOf(this.#disks, 'postgres'));
		}
		return this.server.start(environmentOf(this.#disks, 'sqlite'));
	}

	/** PostgreSQL's own care for torn pages rests on its log being whole up to the last fsync, as SQLite's does. */
	#survival(kind: Store): Survival {
		return this.#crash === 'torn-power-loss' ? {random: this.#random.fork(kind)} : 'durable-only';
	}

	/** Stops the server in order and asks the store whether it is whole; `ok`, or what is wrong. */
	async checkStore(): Promise<string> {
		await this.server.stop();
		if (this.#postgres !== undefined) return 'ok';
		const database = new Database(join(this.server.data, 'broadsheet.db'), {readonly: true});
		try {
			const integrity = String(database.pragma('integrity_check', {simple: true}));
			const strangers = database.pragma('foreign_key_check');
			return integrity === 'ok' && Array.isArray(strangers) && strangers.length > 0
				? `foreign keys: ${JSON.stringify(strangers).slice(0, 200)}`
				: integrity;
		} finally {
			database.close();
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.server[Symbol.asyncDispose]();
		await this.#postgres?.[Symbol.asyncDispose]();
		for (const {disk} of this.#disks) disk[Symbol.dispose]();
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
