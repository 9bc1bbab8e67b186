import {utimesSync} from 'node:fs';
import type {UserId} from '../../../crypto/index.ts';
import {onBoth} from '../../contract/databases.ts';
import {alice, bob, write} from '../../contract/rows.ts';
import {HOUR, JobWorld} from './job-world.ts';
import {give, openMedia} from './media-world.ts';

const JOB = 'remove-content';

onBoth(
	'the files of who is erased go with their thumbnails, but for what others have and what has just come',
	async (t, database) => {
		const storage = await database.open();
		const {store, clock, media, upload, pathOf, list} = openMedia(t, storage);
		const hashOf = async (owner: UserId, text: string) => (await upload(owner, text))?.sha256 ?? '';
		const own = await hashOf(alice, 'of alice');
		const shared = await hashOf(alice, 'of both');
		await hashOf(bob, 'of both');
		const young = await hashOf(alice, 'just come');
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
