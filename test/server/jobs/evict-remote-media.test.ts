import {randomBytes} from 'node:crypto';
import {mkdtempSync, readdirSync, rmSync, utimesSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import type {MediaId, ServerName} from '../../../crypto/index.ts';
import {ContentStore, createMedia, ThumbnailMaker} from '../../../server/media/index.ts';
import type {Storage} from '../../../storage/index.ts';
import {onBoth, serverName as testServerName} from '../../contract/databases.ts';
import {alice, write} from '../../contract/rows.ts';
import {ManualClock} from '../../harness/manual-clock.ts';
import {DAY, JobWorld} from './job-world.ts';

const serverName = testServerName as ServerName;
const greedy = 'greedy.example' as ServerName;
const modest = 'modest.example' as ServerName;
const wait = {timeoutMs: 1000, signal: new AbortController().signal};

/** A server that keeps 400 bytes of others, whose files are their names repeated to 100 bytes. */
function createWorld(t: ExecutionContext, storage: Storage, cacheBytesMax: number | undefined = 400) {
	const root = mkdtempSync(join(tmpdir(), 'broadsheet-evict-'));
	t.teardown(() => rmSync(root, {recursive: true, force: true}));
	const clock = new ManualClock();
	const fetched: string[] = [];
	const media = createMedia({
		storage,
		store: new ContentStore(root, randomBytes),
		thumbnailMaker: new ThumbnailMaker(),
		remote: {
			fetch(server, mediaId) {
				fetched.push(`${server}/${mediaId}`);
				const body = (async function* give() {
					yield Buffer.alloc(100, `${server}/${mediaId} `);
				})();
				return Promise.resolve({contentType: 'text/plain', fileName: null, body, close: () => undefined});
			},
		},
		serverName,
		clock,
		random: randomBytes,
		uploadBytesMax: 100,
		userBytesMax: undefined,
		cacheBytesMax,
		quotaInfoUri: 'https://news.example',
		mayFederateWith: () => true,
		onProblem: (problem) => t.fail(String(problem)),
	});
	const world = new JobWorld(storage, ['evict-remote-media'], {clock, services: {media}});
	const listFiles = () =>
		readdirSync(root, {recursive: true, encoding: 'utf8'}).filter((name) =>
			/^[0-9a-f]{64}$/u.test(name.replaceAll('/', '')),
		);
	return {
		media,
		clock,
		world,
		fetched,
		countFiles: () => listFiles().length,
		/** The clock of files is the machine's. */
		age: (): void => listFiles().forEach((name) => utimesSync(join(root, name), 0, 0)),
		look: async (server: ServerName, mediaId: string): Promise<void> => {
			await (await media.open(server, mediaId as MediaId, wait)).close();
		},
		/** Which media of a server are here. */
		keptOf: async (server: ServerName, ids: readonly string[]): Promise<string[]> => {
			const rows = await Promise.all(ids.map((id) => storage.media.find(server, id)));
			return ids.filter((_, index) => rows[index] !== undefined);
		},
	};
}

onBoth(
	"F6: of more than may be kept of others, a greedy server's go first, then those not used for longest",
	async (t, database) => {
		const storage = await database.open();
		const {media, world, clock, look, keptOf, countFiles, age, fetched} = createWorld(t, storage);
		const ids = ['1', '2', '3', '4', '5'];
		await media.upload(
			alice,
			{contentType: 'text/plain', fileName: undefined, sizeBytes: undefined},
			async function* give() {
				yield Buffer.alloc(900, 'ours');
			},
		);
		await look(modest, '1');
		for (const id of ids) {
			clock.advance(DAY);
			await look(greedy, id);
		}
		t.is(countFiles(), 7);
		age();
		await world.runner.start();
		await world.elapse(DAY);
		t.deepEqual(await keptOf(modest, ['1']), ['1'], 'what was used longest ago stays: it is not of the greedy one');
		t.deepEqual(await keptOf(greedy, ids), ['3', '4', '5']);
		t.is(await storage.media.countUsage('cache', ''), 400);
		t.is(countFiles(), 5, 'the files went with them; what people uploaded here stays');
		await world.runner.stop();
		for (const server of ['c.example', 'd.example', 'e.example']) await look(server as ServerName, '1');
		age();
		clock.advance(DAY);
		await look(modest, '1');
		await look(greedy, '5');
		while ((await media.evictRemote()) > 0) t.pass();
		t.deepEqual(await keptOf(greedy, ids), ['5'], 'down to its share');
		t.deepEqual(await keptOf('c.example' as ServerName, ['1']), [], 'then whose turn it is');
		t.deepEqual(await keptOf(modest, ['1']), ['1'], 'it was used since');
		const count = fetched.length;
		await look(greedy, '1');
		t.deepEqual(fetched.slice(count), ['greedy.example/1'], 'what went is fetched again when somebody wants it');
	},
);

onBoth('what just came, what nobody may see, and all where there is no limit, stays', async (t, database) => {
	const storage = await database.open();
	const {world, look, keptOf, clock, media} = createWorld(t, storage);
	for (const id of ['1', '2', '3', '4', '5']) await look(`s${id}.example` as ServerName, 'm');
	t.is(await media.evictRemote(), 0, 'people are looking at it');
	clock.advance(2 * DAY);
	await write(storage, (batch) => storage.media.setQuarantined(batch, 's1.example' as ServerName, 'm', true));
	const unlimited = createMediaWithoutLimit(t, storage);
	t.is(await unlimited.evictRemote(), 0);
	await world.runner.start();
	await world.elapse(DAY);
	t.deepEqual(await keptOf('s1.example' as ServerName, ['m']), ['m'], 'its mark would go with it');
	t.is(await storage.media.countUsage('cache', ''), 400);
	t.deepEqual(world.problems, []);
	await world.runner.stop();
});

function createMediaWithoutLimit(t: ExecutionContext, storage: Storage) {
	return createMedia({
		storage,
		store: new ContentStore(join(tmpdir(), 'broadsheet-none'), randomBytes),
		thumbnailMaker: new ThumbnailMaker(),
		remote: {fetch: () => Promise.reject(new Error('nobody is asked'))},
		serverName,
		clock: new ManualClock(),
		random: randomBytes,
		uploadBytesMax: 100,
		userBytesMax: undefined,
		cacheBytesMax: undefined,
		quotaInfoUri: 'https://news.example',
		mayFederateWith: () => true,
		onProblem: (problem) => t.fail(String(problem)),
	});
}
