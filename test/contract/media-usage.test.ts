import {ConflictError, DuplicateError, type MediaRow} from '../../storage/index.ts';
import {onBoth} from './databases.ts';
import {alice, bob, partner, write} from './rows.ts';

const medium: MediaRow = {
	origin: partner,
	mediaId: 'm1',
	uploader: null,
	contentType: 'image/png',
	fileName: null,
	sizeBytes: 10,
	sha256: 'ff',
	isQuarantined: false,
	createdTs: 1,
	lastUsedDay: 1,
};

onBoth('what is kept of a person, of a server and of all is counted as media come and go', async (t, database) => {
	const storage = await database.open();
	const {media} = storage;
	const counts = () =>
		Promise.all([
			media.countUsage('uploader', alice),
			media.countUsage('origin', partner),
			media.countUsage('cache', ''),
		]);
	t.deepEqual(await counts(), [0, 0, 0]);
	t.is(await media.findLargestOrigin(), undefined);
	await write(storage, (batch) => {
		media.add(batch, medium);
		media.add(batch, {...medium, mediaId: 'm2', sizeBytes: 5});
		media.add(batch, {...medium, mediaId: 'm3', uploader: alice, sizeBytes: 7});
		media.add(batch, {...medium, mediaId: 'm4', uploader: alice, sizeBytes: null, sha256: null});
	});
	t.deepEqual(await counts(), [7, 15, 15]);
	t.deepEqual(await media.findLargestOrigin(), {kind: 'origin', holder: partner, bytes: 15});
	await write(storage, (batch) =>
		media.fill(batch, {...medium, mediaId: 'm4', uploader: alice, sizeBytes: 4, sha256: 'ee'}),
	);
	t.deepEqual(await counts(), [11, 15, 15]);
	await t.throwsAsync(
		write(storage, (batch) => media.add(batch, medium)),
		{instanceOf: DuplicateError},
	);
	await write(storage, (batch) => media.remove(batch, medium));
	for (const row of [medium, {...medium, mediaId: 'm2'}, {...medium, mediaId: 'm4', sizeBytes: null}]) {
		const error = await t.throwsAsync(
			write(storage, (batch) => media.remove(batch, row)),
			{instanceOf: ConflictError},
		);
		t.is(error?.condition, 'media');
	}
	t.deepEqual(await counts(), [11, 5, 5], 'what was gone, or of another size, is not counted again');
});

onBoth('a batch fails that would bring somebody over what they may keep', async (t, database) => {
	const storage = await database.open();
	const {media} = storage;
	const add = (mediaId: string, uploader: typeof alice) =>
		write(storage, (batch) => {
			media.add(batch, {...medium, mediaId, uploader});
			media.checkUsage(batch, {kind: 'uploader', holder: uploader, bytes: 25});
		});
	await add('a1', alice);
	await add('a2', alice);
	const error = await t.throwsAsync(add('a3', alice), {instanceOf: ConflictError});
	t.is(error?.condition, 'media_usage');
	t.is(await media.countUsage('uploader', alice), 20);
	t.is(await media.find(partner, 'a3'), undefined);
	await add('b1', bob);
	t.is(await media.countUsage('uploader', bob), 10);
});

onBoth("other servers' media are listed by when somebody last used them, then by their age", async (t, database) => {
	const storage = await database.open();
	const {media} = storage;
	const other = 'other.example' as typeof partner;
	await write(storage, (batch) => {
		media.add(batch, {...medium, mediaId: 'old', lastUsedDay: 1, createdTs: 2});
		media.add(batch, {...medium, mediaId: 'older', lastUsedDay: 1, createdTs: 1});
		media.add(batch, {...medium, mediaId: 'used', lastUsedDay: 3, createdTs: 0});
		media.add(batch, {...medium, mediaId: 'hidden', lastUsedDay: 0, isQuarantined: true});
		media.add(batch, {...medium, mediaId: 'ours', lastUsedDay: 0, uploader: alice});
		media.add(batch, {...medium, origin: other, mediaId: 'theirs', lastUsedDay: 2});
		media.add(batch, {...medium, mediaId: 'young', lastUsedDay: 0, createdTs: 9});
	});
	const list = async (origin: typeof partner | undefined, limit = 9) =>
		(await media.listLeastUsed({origin, beforeTs: 9, limit})).map(({mediaId}) => mediaId);
	t.deepEqual(await list(undefined), ['older', 'old', 'theirs', 'used']);
	t.deepEqual(await list(partner), ['older', 'old', 'used']);
	t.deepEqual(await list(partner, 1), ['older']);
	t.deepEqual(await list('unknown.example' as typeof partner), []);
});
