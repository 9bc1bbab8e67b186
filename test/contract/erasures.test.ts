import type {JsonObject, UserId} from '../../crypto/index.ts';
import type {Storage} from '../../storage/index.ts';
import {onBoth} from './databases.ts';
import {account, alice, bob, eventId, partner, passkey, phone, room, sourceLink, write} from './rows.ts';

/** Gives a person one of everything that goes with them. */
async function fill(storage: Storage, userId: UserId): Promise<void> {
	await write(storage, (batch) => {
		storage.accounts.add(batch, account(userId));
		storage.devices.add(batch, {userId, deviceId: phone, displayName: null, lastSeenDay: null});
		storage.devices.addAccessToken(batch, {
			tokenHash: `access of ${userId}`,
			userId,
			deviceId: phone,
			expiresTs: null,
			refreshHash: null,
		});
		storage.loginTokens.add(batch, {
			tokenHash: `login of ${userId}`,
			userId,
			deviceId: phone,
			webSessionHash: null,
			expiresTs: 9,
		});
		storage.webSessions.add(batch, {
			tokenHash: `browser of ${userId}`,
			userId,
			proofs: [],
			returnTo: null,
			expiresTs: 9,
		});
		storage.openIdTokens.add(batch, {tokenHash: `openid of ${userId}`, userId, deviceId: phone, expiresTs: 9}, 5);
		storage.keys.setDeviceKeys(batch, {userId, deviceId: phone, json: {}, displayName: null});
		const pos = batch.announce({kind: 'receipt', subject: userId, roomId: room});
		storage.keys.addOneTimeKeys(batch, {userId, deviceId: phone}, [{keyId: 'a:1', json: {}}], pos);
		storage.keys.setFallbackKey(batch, userId, phone, {keyId: 'a:f', json: {}});
		storage.toDevice.add(batch, {
			pos,
			sender: bob,
			type: 'm.x',
			messages: [{userId, deviceId: phone, content: {a: 1}}],
		});
		storage.pushers.set(batch, {userId, deviceId: phone, appId: 'app', pushkey: userId, json: {}, pos});
		storage.memberships.set(batch, {
			roomId: room,
			userId,
			membership: 'leave',
			eventNid: null,
			sender: userId,
			isLocal: true,
			strippedState: null,
			pos,
		});
		storage.receipts.set(batch, {
			roomId: room,
			userId,
			type: 'm.read',
			threadId: null,
			eventId: eventId(1),
			ts: 1,
			data: {},
			pos,
		});
	});
	await write(storage, (batch) =>
		storage.devices.setAddress(batch, {userId, deviceId: phone, address: '203.0.113.7', seenDay: 1}),
	);
	await write(storage, (batch) => {
		storage.factors.setTotpSecret(batch, {userId, sealedSecret: 'sealed', createdDay: 1});
		storage.factors.setRecoveryCodes(batch, userId, ['code']);
		storage.factors.addPasskey(batch, passkey(`passkey of ${userId}`, {userId}), 20);
	});
	await write(storage, (batch) => storage.sourceLinks.addLink(batch, sourceLink(`link of ${userId}`, userId)));
	const batch = storage.batch();
	await storage.filters.add(batch, userId, {room: {timeline: {limit: 1}}});
	await storage.commit(batch);
}

/** Lists what there is of a person, by what it is. */
async function look(storage: Storage, userId: UserId): Promise<JsonObject> {
	return {
		session: (await storage.devices.findSession(`access of ${userId}`)) !== undefined,
		loginToken: (await storage.loginTokens.find(`login of ${userId}`)) !== undefined,
		webSessions: (await storage.webSessions.listOfUser(userId)).length,
		openIdToken: (await storage.openIdTokens.find(`openid of ${userId}`)) !== undefined,
		deviceKeys: (await storage.keys.listDeviceKeys([userId])).length,
		oneTimeKeys: await storage.keys.countOneTimeKeys(userId, phone),
		fallbackKeys: (await storage.keys.listFallbackKeys(userId, phone)).length,
		toDevice: (await storage.toDevice.list(userId, phone, {after: 0, upto: 99, limit: 9})).length,
		pushers: (await storage.pushers.listOfUser(userId)).length,
		filters: (await storage.filters.listOfUser(userId, {limit: 9})).length,
		receipts: (await storage.receipts.listOfUser(room, userId)).length,
		totpSecret: (await storage.factors.findTotpSecret(userId))?.sealedSecret ?? null,
		factors: {...(await storage.factors.count(userId))},
		addresses: (await storage.devices.listAddresses(userId)).length,
		sourceLinks: (await storage.sourceLinks.listLinksOf(userId)).length,
	};
}

const everything = {
	session: true,
	loginToken: true,
	webSessions: 1,
	openIdToken: true,
	deviceKeys: 1,
	oneTimeKeys: {a: 1},
	fallbackKeys: 1,
	toDevice: 1,
	pushers: 1,
	filters: 1,
	receipts: 1,
	totpSecret: 'sealed',
	factors: {hasTotp: false, recoveryCodes: 1, passkeys: 1},
	addresses: 1,
	sourceLinks: 1,
};
const nothing = {
	session: false,
	loginToken: false,
	webSessions: 0,
	openIdToken: false,
	deviceKeys: 0,
	oneTimeKeys: {},
	fallbackKeys: 0,
	toDevice: 0,
	pushers: 0,
	filters: 0,
	receipts: 0,
	totpSecret: null,
	factors: {hasTotp: false, recoveryCodes: 0, passkeys: 0},
	addresses: 0,
	sourceLinks: 0,
};

onBoth('the traces of one person go, of every kind, and those of nobody else', async (t, database) => {
	const storage = await database.open();
	for (const userId of [alice, bob]) await fill(storage, userId);
	t.deepEqual(await look(storage, alice), everything);
	await write(storage, (batch) => storage.erasures.removeTraces(batch, alice));
	t.deepEqual(await look(storage, alice), nothing);
	t.deepEqual(await look(storage, bob), everything);
});

onBoth('who wants to be forgotten is noted with the position, once', async (t, database) => {
	const storage = await database.open();
	for (const userId of [bob, alice, bob]) {
		await write(storage, (batch) =>
			storage.erasures.add(batch, userId, batch.announce({kind: 'account', subject: userId})),
		);
	}
	t.deepEqual(await storage.erasures.list(), [
		{userId: alice, pos: 2},
		{userId: bob, pos: 1},
	]);
});

onBoth(
	'all media of one person go with what is counted of them, and thumbnails are listed by their content',
	async (t, database) => {
		const storage = await database.open();
		const {media} = storage;
		const row = {contentType: 'image/png', fileName: null, isQuarantined: false, createdTs: 1, lastUsedDay: 1};
		await write(storage, (batch) => {
			media.add(batch, {...row, origin: partner, mediaId: 'a', uploader: alice, sizeBytes: 3, sha256: 'aa'});
			media.add(batch, {...row, origin: partner, mediaId: 'b', uploader: alice, sizeBytes: null, sha256: null});
			media.add(batch, {...row, origin: partner, mediaId: 'c', uploader: bob, sizeBytes: 4, sha256: 'aa'});
			media.addReference(batch, partner, 'a', eventId(1));
			media.addReference(batch, partner, 'c', eventId(1));
			for (const variant of ['large', 'small'])
				media.addThumbnail(batch, {
					sha256: 'aa',
					variant,
					contentType: 'image/png',
					sizeBytes: 1,
					thumbnailSha256: variant,
				});
		});
		await write(storage, (batch) => media.removeOfUploader(batch, alice));
		t.deepEqual(await media.listOfUploader(alice, {limit: 9}), []);
		t.is(await media.countUsage('uploader', alice), 0);
		t.is(await media.countUsage('uploader', bob), 4);
		t.deepEqual(await media.listReferences(partner, 'a'), []);
		t.is((await media.listReferences(partner, 'c')).length, 1);
		t.deepEqual(
			(await media.listThumbnails('aa')).map(({variant}) => variant),
			['large', 'small'],
		);
	},
);

onBoth(
	'a backup of somebody whose account has ended is forgotten with its last key, one of somebody else is not',
	async (t, database) => {
		const storage = await database.open();
		const {keyBackups} = storage;
		await write(storage, (batch) => {
			for (const userId of [alice, bob]) {
				storage.accounts.add(batch, {...account(userId), isDeactivated: userId === alice});
				keyBackups.add(batch, {userId, version: 1, algorithm: 'a', authData: {}});
			}
		});
		const ids = await Promise.all([alice, bob].map(async (userId) => (await keyBackups.find(userId, 1))!.id));
		await write(storage, (batch) => {
			for (const id of ids) {
				keyBackups.markDeleted(batch, id);
				keyBackups.setEmpty(batch, id);
			}
		});
		t.deepEqual(await Promise.all([alice, bob].map((userId) => keyBackups.findLastVersion(userId))), [0, 1]);
	},
);

onBoth('filters are listed page by page', async (t, database) => {
	const storage = await database.open();
	for (const limit of [1, 2, 3]) {
		const batch = storage.batch();
		await storage.filters.add(batch, alice, {room: {timeline: {limit}}});
		await storage.commit(batch);
	}
	const first = await storage.filters.listOfUser(alice, {limit: 2});
	const rest = await storage.filters.listOfUser(alice, {after: first[1]?.filterId, limit: 2});
	t.is(new Set([...first, ...rest].map(({filterId}) => filterId)).size, 3);
});
