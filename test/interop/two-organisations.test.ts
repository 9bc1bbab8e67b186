/** The main job on real input: two built servers as processes, TLS with a private authority, a person on each. */
import test, {type ExecutionContext, registerCompletionHandler} from 'ava';
import {register, type ServerProcess, startServers} from '../harness/index.ts';
import {converse, type Person} from './conversation.ts';
import {EncryptedClient} from './encrypted-client.ts';
import {PlainClient} from './plain-client.ts';

// The SDK leaves timers behind, and the process would wait for them.
registerCompletionHandler(() => process.exit());

async function holdConversation(
	t: ExecutionContext,
	roomVersion: string,
	open: (server: ServerProcess, username: string) => Promise<Person>,
): Promise<void> {
	await using servers = await startServers(2);
	const [here, there] = servers.list;
	if (here === undefined || there === undefined) throw new Error('expected two servers');
	using editor = await open(here, 'editor');
	using source = await open(there, 'correspondent');
	const begun = performance.now();
	try {
		await converse({server: here, person: editor}, {server: there, person: source}, roomVersion, (step) => {
			t.log(`${((performance.now() - begun) / 1_000).toFixed(1)} s: ${step}`);
		});
		t.pass();
	} catch (cause) {
		t.log(here.readLog().slice(-2_000), there.readLog().slice(-2_000));
		throw cause;
	}
}

test.serial(
	'an encrypted conversation between two organisations survives restarts, kills and an absence',
	async (t) => {
		await holdConversation(t, '11', async (server, username) =>
			EncryptedClient.open(server, await register(server, username)),
		);
	},
);

test.serial('a conversation in a room of version 12 survives restarts, kills and an absence', async (t) => {
	await holdConversation(
		t,
		'12',
		async (server, username) => new PlainClient(server, await register(server, username)),
	);
});
