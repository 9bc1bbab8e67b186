/** End-to-end encryption with a real client library: all that people do with it, on one server. */
import test, {type ExecutionContext, registerCompletionHandler} from 'ava';
import {MsgType, RelationType} from 'matrix-js-sdk';
import {type App, call, login, register, request, startApp, until} from '../harness/index.ts';
import type {EncryptedClient} from './encrypted-client.ts';
import {
	compareEmoji,
	cryptoOf,
	downloadEncrypted,
	findEvent,
	Recovery,
	seeEvent,
	seeMessage,
	uploadEncrypted,
} from './person.ts';

// The SDK leaves timers behind, the longest of six hours.
registerCompletionHandler(() => process.exit());

/** Two people with all set up, in an encrypted room. */
async function startPair(t: ExecutionContext, app: App, roomVersion: string) {
	const [ofAlice, ofBob] = [new Recovery(), new Recovery()];
	const alice = await ofAlice.open(app, await register(app, 'alice'));
	const bob = await ofBob.open(app, await register(app, 'bobby'));
	for (const person of [alice, bob]) t.teardown(() => person[Symbol.dispose]());
	await ofAlice.setUp(alice);
	await ofBob.setUp(bob);
	const roomId = await alice.createRoom(bob.userId, roomVersion);
	await bob.accept(roomId);
	await alice.meet(roomId, bob.userId);
	return {ofAlice, alice, bob, roomId};
}

/** Takes the cross-signing keys out of secret storage and signs the device with them, as a client does after a sign-in. */
async function becomeTrusted(device: EncryptedClient): Promise<void> {
	const crypto = cryptoOf(device);
	// The private keys are compared with the public ones.
	await crypto.userHasCrossSigningKeys(device.userId, true);
	await crypto.bootstrapCrossSigning({});
	await until(
		async () =>
			(await crypto.getDeviceVerificationStatus(device.userId, device.sdk.getDeviceId() ?? ''))
				?.crossSigningVerified === true,
		'the device to be trusted',
	);
}

/** Waits until the server keeps so many keys of a person. */
async function untilBackedUp(device: EncryptedClient, app: App, count: number): Promise<void> {
	const token = device.sdk.getAccessToken() ?? '';
	await until(
		async () => {
			const answer = await request<{count?: number}>(app, 'GET', '/_matrix/client/v3/room_keys/version', {token});
			return (answer.body.count ?? 0) >= count;
		},
		`${count} keys in the backup`,
		20_000,
	);
}

for (const roomVersion of ['11', '12']) {
	test.serial(
		`in a room of version ${roomVersion} messages, edits, reactions, threads and files are read`,
		async (t) => {
			const app = await startApp(t);
			const {alice, bob, roomId} = await startPair(t, app, roomVersion);
			await alice.say(roomId, 'a question');
			const question = await seeMessage(bob, roomId, 'a question');
			t.true(question.isEncrypted());
			await bob.sdk.sendEvent(
				roomId,
				null,
				'm.reaction' as never,
				{
					'm.relates_to': {rel_type: RelationType.Annotation, event_id: question.getId(), key: '👍'},
				} as never,
			);
			await seeEvent(alice, roomId, 'a reaction', (event) => event.getContent()['m.relates_to']?.['key'] === '👍');
			await alice.sdk.sendEvent(
				roomId,
				null,
				'm.room.message' as never,
				{
					msgtype: MsgType.Text,
					body: '* a better question',
					'm.new_content': {msgtype: MsgType.Text, body: 'a better question'},
					'm.relates_to': {rel_type: RelationType.Replace, event_id: question.getId()},
				} as never,
			);
			await until(() => question.getContent()['body'] === 'a better question', 'bob to see the edit');
			await bob.sdk.sendEvent(
				roomId,
				question.getId() ?? '',
				'm.room.message' as never,
				{
					msgtype: MsgType.Text,
					body: 'aside',
				} as never,
			);
			const aside = await seeMessage(alice, roomId, 'aside');
			t.is(aside.getWireContent()['m.relates_to']?.['rel_type'], RelationType.Thread);
			const file = Buffer.from('what nobody else may read '.repeat(5000));
			const described = await uploadEncrypted(alice.sdk, file);
			await alice.sdk.sendEvent(
				roomId,
				null,
				'm.room.message' as never,
				{
					msgtype: MsgType.File,
					body: 'report.txt',
					file: described,
				} as never,
			);
			const message = await seeMessage(bob, roomId, 'report.txt');
			t.true((await downloadEncrypted(bob.sdk, message.getContent()['file'])).equals(file));
		},
	);
}

test.serial('a second device reads what is new at once, and what is old from the key backup', async (t) => {
	const app = await startApp(t);
	const {ofAlice, alice, bob, roomId} = await startPair(t, app, '11');
	await bob.say(roomId, 'before');
	await alice.hear(roomId, ['before']);
	await untilBackedUp(alice, app, 1);
	using laptop = await ofAlice.open(app, await login(app, 'alice'));
	const crypto = cryptoOf(laptop);
	// Whoever sends has to hear of the new device first.
	await until(async () => {
		const devices = await cryptoOf(bob).getUserDeviceInfo([alice.userId]);
		return devices.get(alice.userId)?.has(laptop.sdk.getDeviceId() ?? '') === true;
	}, 'bob to know the second device');
	await bob.say(roomId, 'after');
	await laptop.hear(roomId, ['after'], 20_000);
	t.is(
		findEvent(laptop, roomId, (event) => event.getContent()['body'] === 'before'),
		undefined,
	);
	// The recovery key opens the secrets: this device becomes one that is trusted, and reads the backup.
	await becomeTrusted(laptop);
	await crypto.loadSessionBackupPrivateKeyFromSecretStorage();
	const {total, imported} = await crypto.restoreKeyBackup();
	t.true(total >= 1);
	t.is(imported, total);
	await laptop.hear(roomId, ['before'], 20_000);
	t.truthy((await crypto.checkKeyBackupAndEnable())?.trustInfo.trusted);
});

test.serial('devices of one person, and two people, verify each other by emoji', async (t) => {
	const app = await startApp(t);
	const {ofAlice, alice, bob, roomId} = await startPair(t, app, '11');
	using laptop = await ofAlice.open(app, await login(app, 'alice'));
	const laptopId = laptop.sdk.getDeviceId() ?? '';
	const isTrusted = async (device: EncryptedClient, deviceId: string) =>
		(await cryptoOf(device).getDeviceVerificationStatus(alice.userId, deviceId))?.crossSigningVerified === true;
	// A client drops what comes from a device that it has not heard of yet.
	await until(
		async () => (await cryptoOf(alice).getUserDeviceInfo([alice.userId])).get(alice.userId)?.has(laptopId),
		'the phone to know the laptop',
	);
	t.false(await isTrusted(alice, laptopId));
	const own = await compareEmoji(laptop, alice, () => cryptoOf(laptop).requestOwnUserVerification());
	t.log(own);
	await until(() => isTrusted(alice, laptopId), 'the phone to trust the laptop');
	await until(() => isTrusted(laptop, alice.sdk.getDeviceId() ?? ''), 'the laptop to trust the phone');
	await until(
		async () => (await cryptoOf(bob).getDeviceVerificationStatus(alice.userId, laptopId))?.signedByOwner === true,
		'bob to see that alice vouches for the laptop',
	);
	// The secrets follow, so that the laptop can sign and read the backup too.
	await until(() => cryptoOf(laptop).isCrossSigningReady(), 'the laptop to have the cross-signing keys', 20_000);
	await until(
		async () => (await cryptoOf(laptop).getSessionBackupPrivateKey()) !== null,
		'the laptop to have the key of the backup',
		20_000,
	);
	const isVerified = async (device: EncryptedClient, userId: string) =>
		(await cryptoOf(device).getUserVerificationStatus(userId)).isCrossSigningVerified();
	t.false(await isVerified(alice, bob.userId));
	t.log(await compareEmoji(alice, bob, () => cryptoOf(alice).requestVerificationDM(bob.userId, roomId)));
	await until(() => isVerified(alice, bob.userId), 'alice to trust bob');
	await until(() => isVerified(bob, alice.userId), 'bob to trust alice');
	await until(() => isVerified(laptop, bob.userId), 'the laptop to hear of it', 20_000);
});

test.serial('what is said while somebody is signed in nowhere is read with the dehydrated device', async (t) => {
	const app = await startApp(t);
	const {ofAlice, alice, bob, roomId} = await startPair(t, app, '11');
	t.true(await cryptoOf(alice).isDehydrationSupported());
	await cryptoOf(alice).startDehydration();
	await until(async () => {
		const devices = await cryptoOf(bob).getUserDeviceInfo([alice.userId]);
		return devices.get(alice.userId)?.size === 2;
	}, 'bob to know the dehydrated device');
	const token = alice.sdk.getAccessToken() ?? '';
	alice[Symbol.dispose]();
	await call(app, 'POST', '/_matrix/client/v3/logout', {token, body: {}});
	await bob.say(roomId, 'while away');
	using again = await ofAlice.open(app, await login(app, 'alice'));
	await becomeTrusted(again);
	t.is(
		findEvent(again, roomId, (event) => event.getContent()['body'] === 'while away'),
		undefined,
	);
	await cryptoOf(again).startDehydration();
	await again.hear(roomId, ['while away'], 20_000);
});
