/**
 * A full disk, on either store: what cannot be kept is refused at once, what is there is read, and when there is room
 * again everything goes on, without anybody starting the server anew.
 */
import test, {type ExecutionContext} from 'ava';
import {
	call,
	findPostgres,
	PostgresServer,
	register,
	request,
	type ServerProcess,
	type Session,
	startServer,
	until,
} from '../harness/index.ts';
import {listFaults, readPostgres, readSqlite} from '../harness/store-check/index.ts';
import {findDiskObstacle, openSmallDisk, type SmallDisk} from './small-disk.ts';

const CLIENT = '/_matrix/client/v3';
/** What an answer may take, a refusal too. */
const QUICKLY_MS = 5_000;
/** Files that are there take what fits into them; so many messages do not. */
const REFUSED_WITHIN = 500;
const DATABASE = 'full';

const postgres = findPostgres();
const obstacles = {
	sqlite: findDiskObstacle(),
	postgres: 'skipped' in postgres ? postgres.skipped : findDiskObstacle(),
};

interface Reply {
	readonly status: number;
	readonly errcode: string | undefined;
}

/** A server whose store and media lie on disks that run full together, and somebody in a room. */
class Scene implements AsyncDisposable {
	readonly server: ServerProcess;
	readonly postgres: PostgresServer | undefined;
	/** Bodies that were acknowledged, in order. */
	readonly said: string[] = [];
	readonly #t: ExecutionContext;
	readonly #disks: readonly SmallDisk[];
	#session: Session | undefined;
	#room = '';

	private constructor(
		t: ExecutionContext,
		parts: {server: ServerProcess; postgres: PostgresServer | undefined; disks: readonly SmallDisk[]},
	) {
		this.#t = t;
		this.server = parts.server;
		this.postgres = parts.postgres;
		this.#disks = parts.disks;
	}

	/** `isLogApart`: PostgreSQL's log lies elsewhere and has room. Without it PostgreSQL itself stops when its disk is full. */
	static async open(t: ExecutionContext, store: 'sqlite' | 'postgres', isLogApart = true): Promise<Scene> {
		const disks: SmallDisk[] = [];
		const mount: Mount = (data, owner) => {
			const disk = openSmallDisk({data, sizeMebibytes: 64, ...(owner !== undefined && {owner})});
			disks.push(disk);
			return disk.environment;
		};
		const cluster = store === 'postgres' ? await openCluster(mount, isLogApart) : undefined;
		const database = await cluster?.createDatabase(DATABASE);
		const server = await startServer({isHeld: true, ...(database !== undefined && {config: {database}})});
		const scene = new Scene(t, {server, postgres: cluster, disks});
		await server.start(mount(server.data));
		scene.#session = await register(server, 'writer');
		const room = await scene.#call<{room_id: string}>('POST', '/createRoom', {preset: 'private_chat'});
		scene.#room = `/rooms/${encodeURIComponent(room.room_id)}`;
		return scene;
	}

	fill(): void {
		for (const disk of this.#disks) disk.fill();
	}

	makeRoom(): void {
		for (const disk of this.#disks) disk.makeRoom();
	}

	/** Sends a message under a transaction id that is its body. */
	async send(body: string): Promise<Reply> {
		const path = `${this.#room}/send/m.room.message/${body}`;
		const reply = await this.#ask('PUT', path, {msgtype: 'm.text', body});
		if (reply.status === 200 && !this.said.includes(body)) this.said.push(body);
		return reply;
	}

	/** Sends until a message is refused; its body. */
	async sendUntilRefused(): Promise<string> {
		for (let number = 0; number < REFUSED_WITHIN; number += 1) {
			const body = `meanwhile-${number}`;
			const reply = await this.send(body);
			if (reply.status === 200) continue;
			this.assertRefused(reply);
			return body;
		}
		throw new Error(`expected a full disk to refuse one of ${REFUSED_WITHIN} messages`);
	}

	assertRefused({status, errcode}: Reply): void {
		this.#t.true(status >= 500 && status < 600, `status ${status}`);
		this.#t.is(typeof errcode, 'string');
	}

	async upload(content: Buffer): Promise<Reply & {readonly path: string}> {
		const answer = await this.#quickly('upload', () =>
			fetch(`${this.server.url}/_matrix/media/v3/upload`, {
				method: 'POST',
				headers: {authorization: `Bearer ${this.#token}`, 'content-type': 'image/png'},
				body: content,
			}),
		);
		const body = (await answer.json()) as {errcode?: string; content_uri?: string};
		return {status: answer.status, errcode: body.errcode, path: body.content_uri?.slice('mxc:/'.length) ?? ''};
	}

	async download(path: string): Promise<Buffer> {
		const answer = await this.#quickly('download', () =>
			fetch(`${this.server.url}/_matrix/client/v1/media/download${path}`, {
				headers: {authorization: `Bearer ${this.#token}`},
			}),
		);
		this.#t.is(answer.status, 200);
		return Buffer.from(await answer.arrayBuffer());
	}

	register(username: string): Promise<Reply> {
		const auth = {type: 'm.login.dummy'};
		return this.#ask('POST', '/register', {username, password: 'pw-somebody-Zq7!', auth});
	}

	/** Syncs from a token, or from the beginning; the bodies that came, and the next token. */
	async sync(since?: string, timeoutMs = 0): Promise<{bodies: string[]; next: string}> {
		const query = new URLSearchParams({timeout: String(timeoutMs), ...(since !== undefined && {since})});
		query.set('filter', JSON.stringify({room: {timeline: {limit: REFUSED_WITHIN}}}));
		const {rooms, next_batch: next} = await this.#quickly('sync', () =>
			this.#call<{next_batch: string; rooms?: {join?: Record<string, {timeline: {events: Said[]}}>}}>(
				'GET',
				`/sync?${query.toString()}`,
			),
		);
		const events = Object.values(rooms?.join ?? {}).flatMap(({timeline}) => timeline.events);
		return {bodies: events.flatMap(({content}) => content.body ?? []), next};
	}

	/** The bodies of the room's messages, oldest first. */
	async read(): Promise<string[]> {
		const {chunk} = await this.#quickly('messages', () =>
			this.#call<{chunk: Said[]}>('GET', `${this.#room}/messages?dir=b&limit=${REFUSED_WITHIN}`),
		);
		return chunk.flatMap(({content}) => content.body ?? []).toReversed();
	}

	/** Stops the server in order; what is wrong with its store. */
	async listFaults(): Promise<readonly string[]> {
		await this.server.stop();
		await using reader = this.postgres
			? await readPostgres(this.postgres.urlOf(DATABASE))
			: readSqlite(`${this.server.data}/broadsheet.db`);
		return await listFaults(reader);
	}

	get #token(): string {
		return this.#session?.access_token ?? '';
	}

	#call<T>(method: string, path: string, body?: object): Promise<T> {
		return call<T>(this.server, method, CLIENT + path, {token: this.#token, ...(body && {body})});
	}

	async #ask(method: string, path: string, body: object): Promise<Reply> {
		const {status, body: answer} = await this.#quickly(path, () =>
			request<{errcode?: string}>(this.server, method, CLIENT + path, {token: this.#token, body}),
		);
		return {status, errcode: answer.errcode};
	}

	async #quickly<T>(what: string, act: () => Promise<T>): Promise<T> {
		const begun = performance.now();
		const value = await act();
		const ms = performance.now() - begun;
		this.#t.true(ms < QUICKLY_MS, `${what}: ${ms} ms`);
		return value;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.server.kill();
		await this.postgres?.kill();
		// Before the directories that they lie on.
		for (const disk of this.#disks) disk[Symbol.dispose]();
		await this.server[Symbol.asyncDispose]();
		await this.postgres?.[Symbol.asyncDispose]();
	}
}

interface Said {
	readonly content: {readonly body?: string};
}

type Mount = (data: string, owner?: PostgresServer['owner']) => Readonly<Record<string, string>>;

async function openCluster(mount: Mount, isLogApart: boolean) {
	if ('skipped' in postgres) throw new Error(postgres.skipped);
	let environment: Readonly<Record<string, string>> = {};
	const cluster = await PostgresServer.create(postgres.programs, {
		isLogApart,
		prepare(data, owner) {
			environment = mount(data, owner);
		},
	});
	await cluster.start(environment);
	return cluster;
}

for (const store of ['sqlite', 'postgres'] as const) {
	const obstacle = obstacles[store];
	if (obstacle !== undefined) console.log(`skipped: a full disk on ${store}: ${obstacle}`);
	const onStore = obstacle === undefined ? test.serial : test.serial.skip;

	onStore(
		`a full disk refuses messages and files quickly, and is read; with room all goes on (${store})`,
		async (t) => {
			await using scene = await Scene.open(t, store);
			const {pid} = scene.server;
			t.is((await scene.send('before')).status, 200);
			const photo = Buffer.alloc(100_000, 1);
			const kept = await scene.upload(photo);
			const {next} = await scene.sync();
			scene.fill();
			const refused = await scene.sendUntilRefused();
			for (const _ of [1, 2, 3]) scene.assertRefused(await scene.upload(Buffer.alloc(100_000, 2)));
			// A row that fits into a page that is there is kept, and it is no lie to say so.
			const {status: early} = await scene.register('early');
			t.true(early === 200 || early >= 500, `status ${early}`);
			t.deepEqual(await scene.read(), scene.said);
			t.deepEqual((await scene.sync()).bodies, scene.said);
			const update = await scene.sync(next);
			t.deepEqual(update.bodies, scene.said.slice(1));
			t.deepEqual((await scene.sync(update.next, 1_000)).bodies, [], 'a sync that waits ends when its time is over');
			t.deepEqual(await scene.download(kept.path), photo);

			scene.makeRoom();
			t.is((await scene.send(refused)).status, 200, 'the same transaction id, for nothing was stored');
			t.is((await scene.send('after')).status, 200);
			t.is((await scene.register('late')).status, 200);
			const later = await scene.upload(photo);
			t.is(later.status, 200);
			t.deepEqual(await scene.download(later.path), photo);
			t.deepEqual((await scene.sync(update.next)).bodies, [refused, 'after']);
			t.deepEqual(await scene.read(), scene.said);
			t.is(scene.server.pid, pid);
			t.deepEqual(await scene.listFaults(), []);
		},
	);
}

const onPostgres = obstacles.postgres === undefined ? test.serial : test.serial.skip;

onPostgres('a PostgreSQL that stops because its disk is full is missed quickly, and found again', async (t) => {
	await using scene = await Scene.open(t, 'postgres', false);
	const {pid} = scene.server;
	t.is((await scene.send('before')).status, 200);
	scene.fill();
	const refused = await scene.sendUntilRefused();
	for (const body of ['more', 'and more']) scene.assertRefused(await scene.send(body));
	scene.makeRoom();
	// What a service manager does.
	if (scene.postgres?.isRunning !== true) await scene.postgres?.start();
	await until(async () => (await scene.send(refused)).status === 200, 'PostgreSQL found again', 15_000);
	t.deepEqual(await scene.read(), scene.said);
	t.is(scene.server.pid, pid);
	t.deepEqual(await scene.listFaults(), []);
});
