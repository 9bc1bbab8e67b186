import {randomBytes} from 'node:crypto';
import {mkdtempSync, readdirSync, rmSync, utimesSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {ContentStore, createMedia} from '../../../server/media/index.ts';
import type {ServerName} from '../../../crypto/index.ts';
import {onBoth, serverName as testServerName} from '../../contract/databases.ts';
import {alice, write} from '../../contract/rows.ts';
import {ManualClock} from '../../harness/manual-clock.ts';
import {DAY, JobWorld} from './job-world.ts';

const serverName = testServerName as ServerName;

onBoth('the job that removes unused files leaves what a medium or a thumbnail names', async (t, database) => {
	const storage = await database.open();
	const root = mkdtempSync(join(tmpdir(), 'broadsheet-unused-'));
	t.teardown(() => rmSync(root, {recursive: true, force: true}));
	const store = new ContentStore(root, randomBytes);
	const clock = new ManualClock();
	const media = createMedia({
		storage,
		store,
		remote: {fetch: () => Promise.reject(new Error('nobody is asked'))},
		serverName,
		clock,
		random: randomBytes,
		uploadBytesMax: 1000,
		userBytesMax: undefined,
		cacheBytesMax: undefined,
		quotaInfoUri: 'https://news.example',
		mayFederateWith: () => false,
		onProblem: (problem) => t.fail(String(problem)),
	});
	const give = (text: string) =>
		async function* source() {
			yield Buffer.from(text);
		};
	const upload = (text: string) =>
		media
			.upload(alice, {contentType: 'text/plain', fileName: undefined, sizeBytes: undefined}, give(text))
			.then((uri) => {
				const mediaId = uri.slice(uri.lastIndexOf('/') + 1);
				return storage.media.find(serverName, mediaId);
			});
	const list = () =>
		readdirSync(root, {recursive: true, encoding: 'utf8'})
			.map((name) => name.replaceAll('/', ''))
			.filter((name) => /^[0-9a-f]{64}$/u.test(name))
			.toSorted();
	const age = (): void => {
		for (const name of list()) utimesSync(join(root, name.slice(0, 2), name.slice(2, 4), name.slice(4)), 0, 0);
	};
	const row = await upload('named');
	const twin = await upload('named');
	const sha256 = row?.sha256 ?? '';
	const small = await store.receive(give('in small'));
	await write(storage, (batch) => {
		const {sha256: thumbnailSha256, sizeBytes} = small;
		storage.media.addThumbnail(batch, {sha256, variant: 'whole', contentType: 'image/png', sizeBytes, thumbnailSha256});
	});
	await store.receive(give('of an upload whose row never came'));
	age();
	t.is(list().length, 3);
	const world = new JobWorld(storage, ['remove-unused-content'], {clock, services: {media}});
	await world.runner.start();
	await world.elapse(2 * DAY);
	t.deepEqual(list(), [sha256, small.sha256].toSorted());
	await write(storage, (batch) => storage.media.remove(batch, row!));
	await world.elapse(2 * DAY);
	t.is(list().length, 2, 'another medium has the same content');
	await write(storage, (batch) => storage.media.remove(batch, twin!));
	await world.elapse(2 * DAY);
	await world.elapse(2 * DAY);
	t.deepEqual(list(), [], 'a thumbnail goes after its picture');
	await world.runner.stop();
});
