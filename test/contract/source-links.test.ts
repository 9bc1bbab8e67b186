import type {UserId} from '../../crypto/index.ts';
import {ConflictError, type SourceRow} from '../../storage/index.ts';
import {onBoth} from './databases.ts';
import {alice, bob, room, sourceLink, write} from './rows.ts';

const source = (name: string, having: Partial<SourceRow> = {}): SourceRow => ({
	userId: `@${name}:a.example` as UserId,
	owner: alice,
	name: 'the ministry',
	roomId: room,
	endsTs: 100,
	silenceDays: 7,
	isOwnerTold: false,
	...having,
});

onBoth('a source link is used as often as it may be, until its time, and no more', async (t, database) => {
	const storage = await database.open();
	const {sourceLinks} = storage;
	const redeem = (linkId: string, nowMs: number) =>
		write(storage, (batch) => sourceLinks.redeemLink(batch, linkId, nowMs));
	await write(storage, (batch) => {
		sourceLinks.addLink(batch, sourceLink('twice', alice, {usesAllowed: 2}));
		sourceLinks.addLink(batch, sourceLink('once', alice, {expiresTs: 50, federates: true}));
		sourceLinks.addLink(batch, sourceLink('other', bob));
	});
	await redeem('twice', 99);
	await redeem('twice', 99);
	for (const [linkId, nowMs] of [
		['twice', 99],
		['once', 50],
		['nothing', 1],
	] as const) {
		const error = await t.throwsAsync(redeem(linkId, nowMs), {instanceOf: ConflictError});
		t.is(error?.condition, 'source_link');
	}
	t.deepEqual(await sourceLinks.findLink('twice'), sourceLink('twice', alice, {usesAllowed: 2, usesDone: 2}));
	t.deepEqual(
		(await sourceLinks.listLinksOf(alice)).map(({linkId}) => linkId),
		['once', 'twice'],
	);
	await write(storage, (batch) => sourceLinks.removeLink(batch, alice, 'other'));
	t.is((await sourceLinks.listLinksOf(bob)).length, 1, 'nobody removes what is not theirs');
	await write(storage, (batch) => sourceLinks.removeLink(batch, bob, 'other'));
	t.is(await sourceLinks.findLink('other'), undefined);
	const batch = storage.batch();
	const removed = sourceLinks.sweepLinks(batch, 51);
	await storage.commit(batch);
	t.is(removed.value, 1);
	t.is(await sourceLinks.findLink('once'), undefined);
});

onBoth('accounts of source links are found by name and by owner until they are removed', async (t, database) => {
	const storage = await database.open();
	const {sourceLinks} = storage;
	const [first, second] = [source('x1', {endsTs: 200}), source('x2')];
	await write(storage, (batch) => {
		for (const row of [first, second, source('x3', {owner: bob})]) sourceLinks.addSource(batch, row);
	});
	t.deepEqual(await sourceLinks.findSource(first.userId), first);
	t.deepEqual(await sourceLinks.listSourcesOf(alice), [second, first]);
	t.is((await sourceLinks.listSources({limit: 2})).length, 2);
	t.deepEqual(await sourceLinks.listSources({after: second.userId, limit: 2}), [source('x3', {owner: bob})]);
	await write(storage, (batch) => sourceLinks.setOwnerTold(batch, first.userId));
	t.true((await sourceLinks.findSource(first.userId))?.isOwnerTold);
	await write(storage, (batch) => sourceLinks.removeSource(batch, first.userId));
	t.is(await sourceLinks.findSource(first.userId), undefined);
});
