import type {ExecutionContext} from 'ava';
import type {DeviceId} from '../../crypto/index.ts';
import {ConflictError, type OAuthDeviceCodeRow, type Outcome, type Storage} from '../../storage/index.ts';
import {onBoth} from './databases.ts';
import {alice, bob, phone, write} from './rows.ts';

const metadata = {client_uri: 'https://app.example/', client_name: 'A\u0000'};
const session = {userId: alice, deviceId: phone, clientId: 'used', scope: 'a scope', codeHash: 'code'};

async function lost(t: ExecutionContext, promise: Promise<unknown>): Promise<void> {
	t.is((await t.throwsAsync(promise, {instanceOf: ConflictError}))?.condition, 'oauth_code');
}

async function sweep(storage: Storage, run: (batch: ReturnType<Storage['batch']>) => Outcome<number>): Promise<number> {
	const batch = storage.batch();
	const outcome = run(batch);
	await storage.commit(batch);
	return outcome.value;
}

onBoth(
	'a client that nobody is signed in with goes when it is old, or when there are too many',
	async (t, database) => {
		const storage = await database.open();
		const {oauth} = storage;
		const add = (clientId: string, usedTs: number, kept = 9) =>
			write(storage, (batch) => oauth.addClient(batch, {clientId, metadata, usedTs}, kept));
		for (const [clientId, usedTs] of [
			['used', 1],
			['old', 2],
			['new', 5],
		] as const)
			await add(clientId, usedTs);
		await write(storage, (batch) => oauth.addSession(batch, session));
		t.deepEqual(await oauth.findClient('old'), {clientId: 'old', metadata, usedTs: 2});
		t.is(await sweep(storage, (batch) => oauth.sweepClients(batch, 5)), 1);
		t.is(await oauth.findClient('old'), undefined);
		t.is((await oauth.findClient('used'))?.usedTs, 1);
		await add('used', 7);
		t.is((await oauth.findClient('used'))?.usedTs, 7);
		await add('newer', 8, 1);
		t.is(await oauth.findClient('new'), undefined);
		t.truthy(await oauth.findClient('used'));
		t.truthy(await oauth.findClient('newer'));
	},
);

onBoth('of sixty-four that use a code one succeeds', async (t, database) => {
	const storage = await database.open();
	const {oauth} = storage;
	const {userId, deviceId, scope} = session;
	const nobody = {upstreamProviderId: null, upstreamSessionId: null};
	const code = {codeHash: 'code', clientId: 'a', userId, deviceId, scope, redirectUri: 'https://a.example/'};
	await write(storage, (batch) =>
		oauth.addCode(batch, {...code, codeChallenge: 'c', expiresTs: 5, isUsed: false, ...nobody}),
	);
	const tries = Array.from({length: 64}, () => write(storage, (batch) => oauth.useCode(batch, 'code')));
	const results = await Promise.allSettled(tries);
	t.is(results.filter(({status}) => status === 'fulfilled').length, 1);
	t.is((await oauth.findCode('code'))?.isUsed, true);
	t.is(await sweep(storage, (batch) => oauth.sweepCodes(batch, 5)), 0);
	t.is(await sweep(storage, (batch) => oauth.sweepCodes(batch, 6)), 1);
	t.is(await oauth.findCode('code'), undefined);
});

onBoth('a device code is decided once, and used once', async (t, database) => {
	const storage = await database.open();
	const {oauth} = storage;
	const code: OAuthDeviceCodeRow = {
		codeHash: 'device',
		userCodeHash: 'user',
		clientId: 'a',
		deviceId: phone,
		scope: 's',
		expiresTs: 5,
		polledTs: 0,
		state: 'pending',
		userId: '',
		upstreamProviderId: null,
		upstreamSessionId: null,
	};
	await write(storage, (batch) => oauth.addDeviceCode(batch, code));
	await write(storage, (batch) => oauth.setPolled(batch, 'device', 3));
	t.deepEqual(await oauth.findDeviceCode('device'), {...code, polledTs: 3});
	const word = {upstreamProviderId: 'idp', upstreamSessionId: 'session-1'};
	const decide = (from: OAuthDeviceCodeRow['state'], state: OAuthDeviceCodeRow['state'], userId = alice) =>
		write(storage, (batch) => oauth.decideDeviceCode(batch, {...word, codeHash: 'device', from, state, userId}));
	await decide('pending', 'approved');
	await lost(t, decide('pending', 'approved', bob));
	t.like(await oauth.findDeviceCodeByUserCode('user'), {state: 'approved', userId: alice});
	t.deepEqual(await oauth.listCodesOf(alice), [{codeHash: 'device', ...word}]);
	await decide('approved', 'used');
	await lost(t, decide('approved', 'used'));
	await write(storage, (batch) => oauth.removeCode(batch, 'another'));
	t.is((await oauth.listCodesOf(alice)).length, 1);
	t.is(await sweep(storage, (batch) => oauth.sweepCodes(batch, 6)), 1);
});

onBoth('that a device signed in by OAuth is forgotten with its tokens, and with the person', async (t, database) => {
	const storage = await database.open();
	const {oauth, devices, erasures} = storage;
	await write(storage, (batch) => {
		oauth.addSession(batch, session);
		oauth.addSession(batch, {...session, deviceId: 'LAPTOP' as DeviceId});
		oauth.addSession(batch, {...session, userId: bob});
		devices.addRefreshFamily(batch, {familyHash: 'family', userId: alice, deviceId: phone});
	});
	t.is((await oauth.listSessions(alice)).length, 2);
	t.is((await devices.findRefreshFamily('family'))?.deviceId, phone);
	await write(storage, (batch) => devices.removeTokens(batch, alice, phone));
	t.is(await oauth.findSession(alice, phone), undefined);
	t.is(await devices.findRefreshFamily('family'), undefined);
	await write(storage, (batch) => erasures.removeTraces(batch, alice));
	t.deepEqual(await oauth.listSessions(alice), []);
	t.is((await oauth.listSessions(bob)).length, 1);
});
