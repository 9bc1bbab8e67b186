import {utimesSync} from 'node:fs';
import {onBoth} from '../../contract/databases.ts';
import {alice, write} from '../../contract/rows.ts';
import {DAY, JobWorld} from './job-world.ts';
import {give, openMedia} from './media-world.ts';

onBoth('the job that removes unused files leaves what a medium or a thumbnail names', async (t, database) => {
	const storage = await database.open();
	const {store, clock, media, upload, pathOf, list} = openMedia(t, storage);
	const age = (): void => {
		for (const name of list()) utimesSync(pathOf(name), 0, 0);
	};
	const row = await upload(alice, 'named');
	const twin = await upload(alice, 'named');
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
