/** A real client library with its Rust cryptography: two people on one server. */
import test, {registerCompletionHandler} from 'ava';
import {login, register, startApp, until} from '../../harness/index.ts';
import {EncryptedClient} from '../../interop/encrypted-client.ts';

// The SDK leaves timers behind, the longest of six hours.
registerCompletionHandler(() => process.exit());

test.serial('two people on one server exchange encrypted messages, also on a second device', async (t) => {
	const app = await startApp(t);
	using alice = await EncryptedClient.open(app, await register(app, 'alice'));
	using bob = await EncryptedClient.open(app, await register(app, 'bobby'));
	const roomId = await alice.createRoom(bob.userId, '12');
	await bob.accept(roomId);
	await alice.meet(roomId, bob.userId);
	await alice.say(roomId, 'a question');
	await bob.hear(roomId, ['a question']);
	await bob.say(roomId, 'an answer');
	await alice.hear(roomId, ['an answer']);
	using second = await EncryptedClient.open(app, await login(app, 'bobby'));
	// What was sent before a sender heard of the new device is not for it; soon everything is.
	const heard = async (body: string) => {
		await alice.say(roomId, body);
		return second.hear(roomId, [body], 2000).then(
			() => true,
			() => false,
		);
	};
	let attempt = 1;
	await until(() => heard(`to both devices, ${attempt++}`), 'a message on the second device', 30_000);
	await bob.hear(roomId, [`to both devices, ${attempt - 1}`]);
	t.pass();
});
