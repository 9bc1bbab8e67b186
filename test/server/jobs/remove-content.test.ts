import {randomBytes} from 'node:crypto';
import {mkdtempSync, readdirSync, rmSync, utimesSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {ServerName, UserId} from '../../../crypto/index.ts';
import {ContentStore, createMedia} from '../../../server/media/index.ts';
import {onBoth, serverName as testServerName} from '../../contract/databases.ts';
import {alice, bob, write} from '../../contract/rows.ts';
import {ManualClock} from '../../harness/manual-clock.ts';
import {HOUR, JobWorld} from './job-world.ts';

const serverName = testServerName as ServerName;
const JOB = 'remove-content';

onBoth(
	'the files of who is erased go with their thumbnails, but for what others have and what has just come',
	async (t, database) => {
		const storage = await database.open();
		const root = mkdtempSync(join(tmpdir(), 'broadsheet-erased-'));
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
		const upload = async (owner: UserId, text: string): Promise<string> => {
			const description = {contentType: 'text/plain', fileName: undefined, sizeBytes: undefined};
			const uri = await media.upload(owner, description, give(text));
			return (await storage.media.find(serverName, uri.slice(uri.lastIndexOf('/') + 1)))?.sha256 ?? '';
		};
		const pathOf = (sha256: string) => join(root, sha256.slice(0, 2), sha256.slice(2, 4), sha256.slice(4));
		const list = () =>
			readdirSync(root, {recursive: true, encoding: 'utf8'})
				.map((name) => name.replaceAll('/', ''))
				.filter((name) => /^[0-9a-f]{64}$/u.test(name))
				.toSorted();
		const own = await upload(alice, 'of alice');
		const shared = await upload(alice, 'of both');
		await upload(bob, 'of both');
		const young = await upload(alice, 'just come');
		const small = await store.receive(give('in small'));
		await write(storage, (batch) => {
			const {sha256: thumbnailSha256, sizeBytes} = small;
			storage.media.addThumbnail(batch, {
				sha256: own,
				variant: 'whole',
				contentType: 'image/png',
				sizeBytes,
				thumbnailSha256,
			});
		});
		// The clock of files is the machine's.
		for (const name of list()) utimesSync(pathOf(name), 0, 0);
		const nowSeconds = clock.now() / 1000;
		utimesSync(pathOf(young), nowSeconds, nowSeconds);
		await write(storage, (batch) => {
			storage.media.removeOfUploader(batch, alice);
			const payload = {contents: [own, shared, young]};
			storage.jobs.add(batch, {kind: JOB, key: alice, payload, dueTs: clock.now()});
		});
		const world = new JobWorld(storage, [JOB], {clock, services: {media}});
		await world.runner.start();
		await world.until(() => world.resultsOf(JOB).length > 0, 'the first run');
		t.deepEqual(list(), [shared, young].toSorted());
		t.deepEqual((await storage.jobs.find(JOB, alice))?.payload, {contents: [young]});
		clock.advance(2 * HOUR);
		await world.until(async () => (await storage.jobs.find(JOB, alice)) === undefined, 'the job to be done');
		t.deepEqual(list(), [shared]);
		t.deepEqual(await storage.media.listThumbnails(own), []);
		await world.runner.stop();
	},
);
