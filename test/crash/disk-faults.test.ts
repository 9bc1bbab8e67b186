/** A server whose disk runs full or fails: it answers quickly and truly, goes on reading, and recovers by itself. */
import test, {type ExecutionContext} from 'ava';
import {call, register, request, type ServerProcess, type Session, startServer} from '../harness/index.ts';
import {buildDisk, Disk} from './disk.ts';

const built = buildDisk();
if ('skipped' in built) console.log(`skipped: ${built.skipped}`);
const onDisk = 'skipped' in built ? test.skip : test.serial;

const CLIENT = '/_matrix/client/v3';
/** What a refusal may take. */
const QUICKLY_MS = 5_000;

/** A server on a disk of its own, with somebody in a room. */
class Scene implements AsyncDisposable {
	readonly server: ServerProcess;
	readonly disk: Disk;
	readonly #session: Session;
	readonly #roomId: string;

	private constructor(server: ServerProcess, disk: Disk, session: Session, roomId: string) {
		this.server = server;
		this.disk = disk;
		this.#session = session;
		this.#roomId = roomId;
	}

	static async open(): Promise<Scene> {
		if ('skipped' in built) throw new Error(built.skipped);
		const server = await startServer({isHeld: true});
		const disk = new Disk(built.library, {data: server.data});
		await server.start(disk.environment);
		const session = await register(server, 'writer');
		const {room_id: roomId} = await call<{room_id: string}>(server, 'POST', `${CLIENT}/createRoom`, {
			token: session.access_token,
			body: {preset: 'private_chat'},
		});
		return new Scene(server, disk, session, roomId);
	}

	get #room(): string {
		return `${CLIENT}/rooms/${encodeURIComponent(this.#roomId)}`;
	}

	/** Sends under the transaction id `name`; the status and how long it took. */
	async send(name: string): Promise<{status: number; errcode: string | undefined; ms: number}> {
		const begun = performance.now();
		const {status, body} = await request<{errcode?: string}>(
			this.server,
			'PUT',
			`${this.#room}/send/m.room.message/${name}`,
			{token: this.#session.access_token, body: {msgtype: 'm.text', body: name}},
		);
		return {status, errcode: body.errcode, ms: performance.now() - begun};
	}

	/** The bodies of the room's messages, oldest first. */
	async read(): Promise<string[]> {
		const {chunk} = await call<{chunk: {content: {body?: string}}[]}>(
			this.server,
			'GET',
			`${this.#room}/messages?dir=b&limit=100`,
			{token: this.#session.access_token},
		);
		return chunk.flatMap(({content}) => content.body ?? []).toReversed();
	}

	async restartAfterPowerLoss(): Promise<void> {
		await this.server.kill();
		this.disk.losePower();
		await this.server.start(this.disk.environment);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.server[Symbol.asyncDispose]();
		this.disk[Symbol.dispose]();
	}
}

function assertRefused(t: ExecutionContext, {status, errcode, ms}: Awaited<ReturnType<Scene['send']>>): void {
	t.true(status >= 500 && status < 600, `status ${status}`);
	t.is(typeof errcode, 'string');
	t.true(ms < QUICKLY_MS, `${ms} ms`);
}

onDisk(
	'a full disk refuses messages quickly, is read meanwhile, and takes messages again without a restart',
	async (t) => {
		await using scene = await Scene.open();
		const {pid} = scene.server;
		t.is((await scene.send('before')).status, 200);
		scene.disk.fill();
		assertRefused(t, await scene.send('meanwhile'));
		t.deepEqual(await scene.read(), ['before']);
		scene.disk.makeRoom();
		t.is((await scene.send('meanwhile')).status, 200, 'the same transaction id, for nothing was stored');
		t.is((await scene.send('after')).status, 200);
		t.deepEqual(await scene.read(), ['before', 'meanwhile', 'after']);
		t.is(scene.server.pid, pid);
		await scene.restartAfterPowerLoss();
		t.deepEqual(await scene.read(), ['before', 'meanwhile', 'after']);
	},
);

onDisk('a message whose fsync failed is not acknowledged, and none that is acknowledged later is lost', async (t) => {
	await using scene = await Scene.open();
	t.is((await scene.send('before')).status, 200);
	scene.disk.setSyncFailure(true);
	assertRefused(t, await scene.send('meanwhile'));
	scene.disk.setSyncFailure(false);
	t.is((await scene.send('after')).status, 200);
	await scene.restartAfterPowerLoss();
	const messages = await scene.read();
	t.true(messages.includes('before') && messages.includes('after'), messages.join(' '));
});
