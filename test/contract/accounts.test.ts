import type {DeviceId, UserId} from '../../crypto/index.ts';
import {
	type ClaimedKey,
	ConflictError,
	DuplicateError,
	JsonText,
	type KeyClaim,
	type OneTimeKey,
	type Storage,
} from '../../storage/index.ts';
import {onBoth} from './databases.ts';
import {account, alice, bob, eventId, partner, phone, room, write} from './rows.ts';

const tablet = 'TABLET' as DeviceId;
const device = (userId: UserId, deviceId: DeviceId) => ({userId, deviceId, displayName: null, lastSeenDay: null});
const token = (tokenHash: string, deviceId: DeviceId, refreshHash: string | null = null) => ({
	tokenHash,
	userId: alice,
	deviceId,
	expiresTs: null,
	refreshHash,
});
const refresh = (tokenHash: string, nextHash: string | null = null) => ({
	tokenHash,
	userId: alice,
	deviceId: phone,
	expiresTs: null,
	nextHash,
});

async function lost(
	t: {is(a: unknown, b: unknown): void},
	promise: Promise<unknown>,
	condition: string,
): Promise<void> {
	const error = await promise.then(
		() => undefined,
		(reason: unknown) => reason,
	);
	t.is(error instanceof ConflictError ? error.condition : String(error), condition);
}

onBoth('the states of an account change one by one', async (t, database) => {
	const storage = await database.open();
	await write(storage, (batch) => storage.accounts.add(batch, account(alice)));
	await write(storage, (batch) => storage.accounts.setStates(batch, alice, {isLocked: true, isAdmin: true}));
	await write(storage, (batch) => storage.accounts.setStates(batch, alice, {isAdmin: false}));
	await write(storage, (batch) => storage.accounts.setPassword(batch, alice, 'hash'));
	t.like(await storage.accounts.find(alice), {
		isLocked: true,
		isAdmin: false,
		isDeactivated: false,
		passwordHash: 'hash',
	});
	t.is(await storage.accounts.count(), 1);
	await lost(
		t,
		write(storage, (batch) => storage.accounts.setPassword(batch, bob, 'x')),
		'account',
	);
	await lost(
		t,
		write(storage, (batch) => storage.accounts.setStates(batch, bob, {isLocked: true})),
		'account',
	);
});

onBoth('a registration token of two uses makes two accounts of sixty-four', async (t, database) => {
	const storage = await database.open();
	const row = {tokenHash: 'h', name: 'desk', usesAllowed: 2, usesDone: 0, expiresTs: 1000, makesAdmin: false};
	await write(storage, (batch) => storage.accounts.addRegistrationToken(batch, row));
	const attempt = (index: number) =>
		write(storage, (batch) => {
			storage.accounts.redeemRegistrationToken(batch, 'h', 999);
			storage.accounts.add(batch, account(`@user${index}:a.example` as UserId));
		});
	const outcomes = await Promise.allSettled(Array.from({length: 64}, (_, index) => attempt(index)));
	t.is(outcomes.filter(({status}) => status === 'fulfilled').length, 2);
	t.is(await storage.accounts.count(), 2);
	t.like(await storage.accounts.findRegistrationToken('h'), {usesDone: 2});
	await write(storage, (batch) =>
		storage.accounts.addRegistrationToken(batch, {...row, tokenHash: 'late', usesAllowed: null}),
	);
	await lost(
		t,
		write(storage, (batch) => storage.accounts.redeemRegistrationToken(batch, 'late', 1000)),
		'registration_token',
	);
	await lost(
		t,
		write(storage, (batch) => storage.accounts.redeemRegistrationToken(batch, 'none', 0)),
		'registration_token',
	);
	t.is((await storage.accounts.listRegistrationTokens()).length, 2);
});

onBoth('a removed device takes everything that hangs on it along, and nothing else', async (t, database) => {
	const storage = await database.open();
	const snapshot = (deviceId: DeviceId) => ({
		id: deviceId === phone ? 1 : 2,
		userId: alice,
		deviceId,
		connId: '',
		createdTs: 1,
		body: new Uint8Array([0, 255]),
	});
	const fill = (deviceId: DeviceId) => (batch: Parameters<Parameters<typeof write>[1]>[0]) => {
		storage.devices.add(batch, device(alice, deviceId));
		storage.devices.addAccessToken(batch, token(`access ${deviceId}`, deviceId));
		storage.devices.addRefreshToken(batch, {...refresh(`refresh ${deviceId}`), deviceId});
		storage.keys.setDeviceKeys(batch, {userId: alice, deviceId, json: {}, displayName: null});
		storage.keys.setFallbackKey(batch, alice, deviceId, {keyId: 'curve25519:f', json: 'k'});
		const pos = batch.announce({kind: 'to_device', subject: alice});
		storage.keys.addOneTimeKeys(batch, {userId: alice, deviceId}, [{keyId: 'curve25519:a', json: 'k'}], pos);
		storage.toDevice.add(batch, {pos, sender: bob, type: 'm', messages: [{userId: alice, deviceId, content: {}}]});
		storage.pushers.set(batch, {userId: alice, deviceId, appId: 'app', pushkey: deviceId, json: {}, pos});
		const key = {userId: alice, deviceId, method: 'PUT', endpoint: 'send', roomId: room, txnId: 't'};
		storage.clientTransactions.add(batch, {...key, answer: {}, ts: 1});
		storage.clientTransactions.setEvent(batch, eventId(deviceId), key, 1);
		storage.openIdTokens.add(batch, {tokenHash: `openid ${deviceId}`, userId: alice, deviceId, expiresTs: 1}, 1);
		const signature = {signer: alice, userId: alice, signature: 's'};
		storage.keys.setSignature(batch, {...signature, signerKeyId: 'ed25519:self', targetId: deviceId});
		storage.keys.setSignature(batch, {...signature, signerKeyId: `ed25519:${deviceId}`, targetId: 'master'});
		storage.keys.setSignature(batch, {...signature, signer: bob, signerKeyId: `ed25519:${phone}`, targetId: 'master'});
		storage.slidingSnapshots.add(batch, snapshot(deviceId));
	};
	await write(storage, (batch) => storage.accounts.add(batch, account(alice)));
	await write(storage, fill(phone));
	await write(storage, fill(tablet));
	await write(storage, (batch) => storage.devices.remove(batch, alice, phone));
	const remains = async (deviceId: DeviceId) => [
		await storage.devices.find(alice, deviceId),
		await storage.devices.findSession(`access ${deviceId}`),
		await storage.devices.findRefreshToken(`refresh ${deviceId}`),
		await storage.keys.findDeviceKeys(alice, deviceId),
		(await storage.keys.findOneTimeKeys(alice, deviceId, ['curve25519:a']))[0],
		(await storage.keys.listUnusedFallbackKeys(alice, deviceId))[0],
		(await storage.toDevice.list(alice, deviceId, {after: 0, upto: 99, limit: 9}))[0],
		(await storage.pushers.listOfUser(alice)).find((pusher) => pusher.deviceId === deviceId),
		(await storage.clientTransactions.findOfEvents(alice, deviceId, [eventId(deviceId)])).get(eventId(deviceId)),
		await storage.openIdTokens.find(`openid ${deviceId}`),
		(await storage.keys.listSignatures([alice])).find(({targetId}) => targetId === deviceId),
		(await storage.keys.listSignatures([alice])).find(
			({signer, signerKeyId}) => signer === alice && signerKeyId === `ed25519:${deviceId}`,
		),
		await storage.slidingSnapshots.find(snapshot(deviceId)),
	];
	t.true((await remains(phone)).every((it) => it === undefined));
	t.true((await remains(tablet)).every((it) => it !== undefined));
	t.true(
		(await storage.keys.listSignatures([alice])).some(({signer}) => signer === bob),
		'a key of the same name',
	);
});

onBoth('a session carries what authentication needs, and a device added again keeps its name', async (t, database) => {
	const storage = await database.open();
	await write(storage, (batch) => {
		storage.accounts.add(batch, account(alice));
		storage.devices.add(batch, {...device(alice, phone), displayName: 'first'});
		storage.devices.add(batch, {...device(alice, phone), displayName: 'second'});
		storage.devices.addAccessToken(batch, token('one', phone));
		storage.devices.addAccessToken(batch, token('two', phone));
	});
	await write(storage, (batch) => {
		storage.accounts.setStates(batch, alice, {isSuspended: true});
		storage.devices.setLastSeen(batch, alice, phone, 20_500);
	});
	const session = await storage.devices.findSession('one');
	const {passwordHash: _, ...rest} = account(alice);
	t.deepEqual(session, {
		...token('one', phone),
		displayName: 'first',
		lastSeenDay: 20_500,
		isQuarantined: false,
		account: {...rest, isSuspended: true},
	});
	await write(storage, (batch) => storage.devices.removeAccessTokens(batch, alice, phone, 'two'));
	t.is(await storage.devices.findSession('one'), undefined);
	t.truthy(await storage.devices.findSession('two'));
	await lost(
		t,
		write(storage, (batch) => storage.devices.setDisplayName(batch, alice, tablet, 'x')),
		'device',
	);
});

onBoth('a refresh token can be exchanged anew until what it gave was used', async (t, database) => {
	const storage = await database.open();
	const {devices} = storage;
	await write(storage, (batch) => {
		devices.add(batch, device(alice, phone));
		devices.addRefreshToken(batch, refresh('r1'));
	});
	const exchange = (replaced: string | null, next: string) =>
		write(storage, (batch) => {
			devices.exchangeRefreshToken(batch, 'r1', replaced, refresh(next));
			devices.addAccessToken(batch, token(`a-${next}`, phone, next));
		});
	await exchange(null, 'r2');
	await lost(t, exchange(null, 'r3'), 'refresh_token');
	await exchange('r2', 'r3');
	t.is(await devices.findRefreshToken('r2'), undefined);
	t.deepEqual(await devices.listRefreshTokensBefore('r3'), [refresh('r1', 'r3')]);
	await write(storage, (batch) => devices.removeRefreshToken(batch, 'r1'));
	await lost(t, exchange('r3', 'r4'), 'refresh_token');
});

onBoth('profiles keep any field, lose removed ones, and are searched without regard to case', async (t, database) => {
	const storage = await database.open();
	await write(storage, (batch) => {
		const pos = batch.announce({kind: 'profile', subject: alice});
		storage.profiles.set(batch, alice, 'displayname', 'Alice 100%', pos);
		storage.profiles.set(batch, alice, 'm.tz', {zone: ['x']}, pos);
		storage.profiles.set(batch, bob, 'displayname', 'Robert', pos);
	});
	await write(storage, (batch) =>
		storage.profiles.set(batch, alice, 'm.tz', undefined, batch.announce({kind: 'profile', subject: alice})),
	);
	t.deepEqual({...(await storage.profiles.find(alice))}, {displayname: 'Alice 100%'});
	t.deepEqual([...(await storage.profiles.findMany([alice, bob])).keys()].toSorted(), [alice, bob]);
	t.deepEqual(await storage.profiles.search('100%', {limit: 9}), [alice]);
	t.deepEqual(await storage.profiles.search('ROB', {limit: 9}), [bob]);
	t.deepEqual(await storage.profiles.search('%', {limit: 9}), [alice]);
});

onBoth('account data leaves a tombstone with its position', async (t, database) => {
	const storage = await database.open();
	const set = (type: string, roomId: typeof room | null, content: {a: number} | null) =>
		write(storage, (batch) => {
			const pos = batch.announce({kind: 'account_data', subject: alice, roomId: roomId ?? undefined});
			storage.accountData.set(batch, {userId: alice, roomId, type, content, pos});
		});
	await set('x', null, {a: 1});
	await set('x', room, {a: 2});
	await set('x', null, null);
	t.is(await storage.accountData.find(alice, null, 'x'), undefined);
	t.deepEqual((await storage.accountData.find(alice, room, 'x'))?.content, {a: 2});
	const changed = await storage.accountData.listChanged(alice, 1, 3);
	t.deepEqual(
		changed.map(({pos, roomId, content}) => ({pos, roomId, content})),
		[
			{pos: 2, roomId: room, content: {a: 2}},
			{pos: 3, roomId: null, content: null},
		],
	);
});

onBoth("the same filter has the same id, and is the owner's alone", async (t, database) => {
	const storage = await database.open();
	const add = async (userId: UserId) => {
		const batch = storage.batch();
		const id = await storage.filters.add(batch, userId, {room: {timeline: {limit: 1}}});
		await storage.commit(batch);
		return id;
	};
	const ids = await Promise.all([add(alice), add(alice)]);
	t.is(ids[0], ids[1]);
	t.deepEqual(await storage.filters.find(alice, ids[0]), {room: {timeline: {limit: 1}}});
	t.is(await storage.filters.find(bob, ids[0]), undefined);
});

const addKeys = (storage: Storage, deviceId: DeviceId, keys: readonly OneTimeKey[]) =>
	write(storage, (batch) => {
		const pos = batch.announce({kind: 'device_keys', subject: alice});
		storage.keys.addOneTimeKeys(batch, {userId: alice, deviceId}, keys, pos);
	});

async function claimKeys(storage: Storage, claims: readonly KeyClaim[]): Promise<ClaimedKey[]> {
	const batch = storage.batch();
	const outcome = storage.keys.claim(batch, claims);
	await storage.commit(batch);
	return outcome.value;
}

onBoth('sixty-four claims of forty keys give each key once, then the fallback', async (t, database) => {
	const storages = [await database.open(), await database.open()];
	const [storage] = storages as [Storage, Storage];
	const keys = Array.from({length: 40}, (_, index) => ({
		keyId: `signed_curve25519:k${index}`,
		json: {key: `${index}`},
	}));
	await write(storage, (batch) => {
		storage.keys.setDeviceKeys(batch, {userId: alice, deviceId: phone, json: {}, displayName: null});
		storage.keys.setFallbackKey(batch, alice, phone, {keyId: 'signed_curve25519:f', json: {key: 'f'}});
	});
	await addKeys(storage, phone, keys);
	const claim = {userId: alice, deviceId: phone, algorithm: 'signed_curve25519'};
	const claims = await Promise.all(Array.from({length: 64}, (_, index) => claimKeys(storages[index % 2]!, [claim])));
	const given = claims.flat();
	t.is(given.length, 64);
	const oneTime = given.filter(({isFallback}) => !isFallback).map(({keyId}) => keyId);
	t.deepEqual(oneTime.toSorted(), keys.map(({keyId}) => keyId).toSorted());
	t.is(given.filter(({isFallback, keyId}) => isFallback && keyId === 'signed_curve25519:f').length, 24);
	t.deepEqual(await storage.keys.countOneTimeKeys(alice, phone), {});
	t.deepEqual(await storage.keys.listUnusedFallbackKeys(alice, phone), []);
	t.deepEqual(await claimKeys(storage, [{...claim, userId: bob}]), []);
});

onBoth('one-time keys are given in the order of upload, and an id that is there stays', async (t, database) => {
	// Uploads may come through different processes.
	const storages = [await database.open(), await database.open()] as const;
	const [storage] = storages;
	const names = ['z', 'a', 'm', 'k', 'b'].map((name) => `x:${name}`);
	for (const [index, keyId] of names.entries()) await addKeys(storages[index % 2]!, phone, [{keyId, json: keyId}]);
	const last = ['x:3', 'x:1', 'x:2'];
	await addKeys(
		storage,
		phone,
		last.map((keyId) => ({keyId, json: keyId})),
	);
	const taken = await t.throwsAsync(
		addKeys(
			storage,
			phone,
			['x:new', 'x:a'].map((keyId) => ({keyId, json: 'other'})),
		),
		{
			instanceOf: ConflictError,
		},
	);
	t.is(taken?.condition, 'one_time_key');
	t.deepEqual(await storage.keys.countOneTimeKeys(alice, phone), {x: 8});
	for (const keyId of [...names, ...last]) {
		const claimed = await claimKeys(storage, [{userId: alice, deviceId: phone, algorithm: 'x'}]);
		const json = new JsonText(JSON.stringify(keyId));
		t.deepEqual(claimed, [{userId: alice, deviceId: phone, keyId, json, isFallback: false}]);
	}
});

onBoth('keys of several devices are claimed together', async (t, database) => {
	const storage = await database.open();
	await addKeys(storage, phone, [{keyId: 'x:one', json: {key: 'one'}}]);
	await addKeys(storage, tablet, [{keyId: 'y:other', json: 'other'}]);
	await write(storage, (batch) => {
		for (const deviceId of [phone, tablet]) {
			storage.keys.setFallbackKey(batch, alice, deviceId, {keyId: 'x:fallback', json: {of: deviceId}});
		}
	});
	const claims = [phone, tablet, 'NONE' as DeviceId].map((deviceId) => ({userId: alice, deviceId, algorithm: 'x'}));
	const names = (keys: readonly ClaimedKey[]) => keys.map(({deviceId, keyId}) => `${deviceId} ${keyId}`).toSorted();
	t.deepEqual(names(await claimKeys(storage, claims)), [`${phone} x:one`, `${tablet} x:fallback`]);
	t.deepEqual(await storage.keys.listUnusedFallbackKeys(alice, phone), ['x'], 'there was a key');
	t.deepEqual(names(await claimKeys(storage, claims)), [`${phone} x:fallback`, `${tablet} x:fallback`]);
	t.deepEqual(await claimKeys(storage, []), []);
	t.deepEqual(await storage.keys.countOneTimeKeys(alice, tablet), {y: 1});
});

onBoth(
	'a to-device message of a partner is delivered once, in order, until it is acknowledged',
	async (t, database) => {
		const storage = await database.open();
		const deliver = (messageId: string, type: string) =>
			write(storage, (batch) => {
				storage.toDevice.addReceived(batch, partner, messageId, 5);
				const pos = batch.announce({kind: 'to_device', subject: alice});
				const messages = [phone, tablet].map((deviceId) => ({userId: alice, deviceId, content: {type}}));
				storage.toDevice.add(batch, {pos, sender: bob, type, messages});
			});
		await deliver('m1', 'first');
		const again = await t.throwsAsync(deliver('m1', 'first'), {instanceOf: DuplicateError});
		t.is(again?.table, 'to_device_received');
		await deliver('m2', 'second');
		const list = async (deviceId: DeviceId) =>
			(await storage.toDevice.list(alice, deviceId, {after: 0, upto: 9, limit: 9})).map(
				({pos, type}) => `${pos} ${type}`,
			);
		t.deepEqual(await list(phone), ['1 first', '2 second']);
		await write(storage, (batch) => storage.toDevice.remove(batch, alice, phone, {after: 0, upto: 1}));
		t.deepEqual(await list(phone), ['2 second']);
		t.deepEqual(await list(tablet), ['1 first', '2 second']);
		await write(storage, (batch) => storage.toDevice.sweepReceived(batch, 6));
		await deliver('m1', 'third');
		t.is((await list(phone)).length, 2);
	},
);

onBoth('cross-signing keys, signatures and remote device lists are kept by user', async (t, database) => {
	const storage = await database.open();
	const {keys} = storage;
	const signature = {signer: alice, signerKeyId: 'ed25519:x', userId: alice, targetId: 'PHONE', signature: 's1'};
	await write(storage, (batch) => {
		keys.setCrossSigningKey(batch, {userId: alice, usage: 'master', json: {a: 1}});
		keys.setCrossSigningKey(batch, {userId: alice, usage: 'master', json: {a: 2}});
		keys.setSignature(batch, signature);
		keys.setSignature(batch, {...signature, targetId: 'master', signature: 's2'});
		keys.setRemoteDeviceList(batch, {userId: bob, streamId: 5, isStale: true, fetchedPos: 1});
	});
	t.deepEqual(await keys.listCrossSigningKeys([alice, bob]), [{userId: alice, usage: 'master', json: {a: 2}}]);
	t.is((await keys.listSignatures([alice])).length, 2);
	t.deepEqual(
		(await keys.listStaleDeviceLists(9)).map(({userId}) => userId),
		[bob],
	);
	t.is((await keys.findRemoteDeviceLists([bob])).get(bob)?.streamId, 5);
	await write(storage, (batch) => keys.removeSignatures(batch, alice, 'master'));
	t.deepEqual(await keys.listSignatures([alice]), [signature]);
	await write(storage, (batch) => keys.removeCrossSigningKeys(batch, alice));
	t.deepEqual([await keys.listCrossSigningKeys([alice]), await keys.listSignatures([alice])], [[], []]);
});
