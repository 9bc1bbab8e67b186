/** Files and keys on a disk that runs full, fails, and loses power. */
import test from 'ava';
import {createTestDevice, register, request, type ServerProcess, type Session, startServer} from '../harness/index.ts';
import {buildDisk, Disk} from './disk.ts';

const built = buildDisk();
if ('skipped' in built) console.log(`skipped: ${built.skipped}`);
const onDisk = 'skipped' in built ? test.skip : test.serial;

const QUICKLY_MS = 5_000;

/** A server on a disk of its own, and somebody there. */
class Scene implements AsyncDisposable {
	readonly server: ServerProcess;
	readonly disk: Disk;
	readonly session: Session;

	private constructor(server: ServerProcess, disk: Disk, session: Session) {
		this.server = server;
		this.disk = disk;
		this.session = session;
	}

	static async open(): Promise<Scene> {
		if ('skipped' in built) throw new Error(built.skipped);
		const server = await startServer({isHeld: true});
		const disk = new Disk(built.library, {data: server.data});
		await server.start(disk.environment);
		return new Scene(server, disk, await register(server, 'photographer'));
	}

	async upload(content: Buffer): Promise<{status: number; errcode: unknown; path: string; ms: number}> {
		const begun = performance.now();
		const answer = await fetch(`${this.server.url}/_matrix/media/v3/upload`, {
			method: 'POST',
			headers: {authorization: `Bearer ${this.session.access_token}`, 'content-type': 'image/png'},
			body: content,
		});
		const body = (await answer.json()) as {errcode?: string; content_uri?: string};
		const path = body.content_uri?.slice('mxc:/'.length) ?? '';
		return {status: answer.status, errcode: body.errcode, path, ms: performance.now() - begun};
	}

	async download(path: string): Promise<Buffer | undefined> {
		const answer = await fetch(`${this.server.url}/_matrix/client/v1/media/download${path}`, {
			headers: {authorization: `Bearer ${this.session.access_token}`},
		});
		const content = Buffer.from(await answer.arrayBuffer());
		return answer.status === 200 ? content : undefined;
	}

	post(path: string, body: object) {
		return request(this.server, 'POST', `/_matrix/client/v3${path}`, {token: this.session.access_token, body});
	}

	async losePower(): Promise<void> {
		await this.server.kill();
		this.disk.losePower();
		await this.server.start(this.disk.environment);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.server[Symbol.asyncDispose]();
		this.disk[Symbol.dispose]();
	}
}

onDisk(
	'R4: a full disk refuses files quickly, gives those it has, and takes files again without a restart',
	async (t) => {
		await using scene = await Scene.open();
		const [before, after] = [Buffer.alloc(100_000, 1), Buffer.alloc(100_000, 2)];
		const kept = await scene.upload(before);
		t.is(kept.status, 200);
		scene.disk.fill();
		for (const _ of [1, 2, 3]) {
			const refused = await scene.upload(after);
			t.true(refused.status >= 500, `status ${refused.status}`);
			t.is(typeof refused.errcode, 'string');
			t.true(refused.ms < QUICKLY_MS, `${refused.ms} ms`);
		}
		t.deepEqual(await scene.download(kept.path), before);
		scene.disk.makeRoom();
		const later = await scene.upload(after);
		t.is(later.status, 200);
		t.deepEqual(await scene.download(later.path), after);
	},
);

onDisk('R3: a file whose fsync failed is not acknowledged', async (t) => {
	await using scene = await Scene.open();
	scene.disk.setSyncFailure(true);
	t.true((await scene.upload(Buffer.alloc(50_000, 3))).status >= 500);
	scene.disk.setSyncFailure(false);
	const kept = await scene.upload(Buffer.alloc(50_000, 4));
	t.is(kept.status, 200);
	await scene.losePower();
	t.deepEqual(await scene.download(kept.path), Buffer.alloc(50_000, 4));
});

onDisk('R1, R2: files and keys that were acknowledged are there after a loss of power', async (t) => {
	await using scene = await Scene.open();
	const {session} = scene;
	const device = createTestDevice(session);
	const files = Array.from({length: 20}, (_, index) => Buffer.alloc(3000 * (index + 1), index));
	const kept = await Promise.all(files.map((file) => scene.upload(file)));
	t.true(kept.every(({status}) => status === 200));
	const upload = {device_keys: device.deviceKeys, one_time_keys: device.oneTimeKeys('A', 'B')};
	t.is((await scene.post('/keys/upload', upload)).status, 200);
	const claim = async () => {
		const wanted = {[session.user_id]: {[session.device_id]: 'signed_curve25519'}};
		const answer = await scene.post('/keys/claim', {one_time_keys: wanted});
		const keys = answer.body['one_time_keys'] as Record<string, Record<string, object>>;
		return Object.keys(keys[session.user_id]?.[session.device_id] ?? {})[0];
	};
	const first = await claim();
	await scene.losePower();
	for (const [index, file] of files.entries()) t.deepEqual(await scene.download(kept[index]?.path ?? ''), file);
	const second = await claim();
	t.deepEqual(new Set([first, second]), new Set(['signed_curve25519:A', 'signed_curve25519:B']), 'none is given twice');
	t.is(await claim(), undefined);
	const query = await scene.post('/keys/query', {device_keys: {[session.user_id]: []}});
	t.deepEqual(query.body['device_keys'], {[session.user_id]: {[session.device_id]: device.deviceKeys}});
});
