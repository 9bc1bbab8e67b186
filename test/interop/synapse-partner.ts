#!/usr/bin/env node
/**
 * `npm run test:interop [-- --versions 10,12 --flows heals]`: Synapse as the partner. For each kind of room, and in an
 * encrypted one: one side invites, the other joins, messages go both ways; and then with the sides exchanged. Then all the
 * flows in `flows/`, or those whose name matches, in those of these versions in which they differ. Says what it skips, and why.
 */
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {
	type CertificateAuthority,
	createAuthority,
	Line,
	register,
	type ServerProcess,
	startServer,
} from '../harness/index.ts';
import type {Person} from './conversation.ts';
import {EncryptedClient} from './encrypted-client.ts';
import {CONFIGURATION, CONFIGURED, type Flow, FLOWS, goThrough, listPassages, type Reachable} from './flows/index.ts';
import {PlainClient} from './plain-client.ts';
import {prepareSynapse, startSynapse} from './synapse.ts';

/** Room versions that people meet today, and what the SDK of the encrypted clients knows. */
const PLAIN_VERSIONS = ['6', '10', '11', '12'];
const ENCRYPTED_VERSION = '11';

type Open = (server: ServerProcess, username: string) => Promise<Person>;

async function talk(inviter: Person, guest: Person, roomVersion: string): Promise<void> {
	const roomId = await inviter.createRoom(guest.userId, roomVersion);
	await guest.accept(roomId);
	await inviter.meet(roomId, guest.userId);
	for (const word of ['one', 'two', 'three']) {
		await inviter.say(roomId, `question ${word}`);
		await guest.hear(roomId, [`question ${word}`], 30_000);
		await guest.say(roomId, `answer ${word}`);
		await inviter.hear(roomId, [`answer ${word}`], 30_000);
	}
}

/** More than there are other passages, whose people Synapse knows already. */
const CONFIGURED_FROM = 1_000;

/** What to go through with it. */
interface Wanted {
	readonly versions: readonly string[];
	readonly flows: RegExp;
}

async function meetSynapse(python: string, authority: CertificateAuthority, wanted: Wanted): Promise<void> {
	await using ourLine = new Line();
	await using itsLine = new Line();
	await using ours = await startServer({authority, line: ourLine});
	await using synapse = await startSynapse(python, authority, {
		line: itsLine,
		differences: {presence: {enabled: true}},
	});
	const peer = {server: synapse, line: itsLine};
	try {
		await talkInRooms(ours, synapse, wanted.versions);
		const failed = await goThroughFlows({server: ours, line: ourLine}, peer, listWanted(FLOWS, wanted));
		const configured = listWanted(CONFIGURED, wanted);
		if (configured.length > 0) {
			await using line = new Line();
			await using server = await startServer({authority, line, config: CONFIGURATION});
			failed.push(...(await goThroughFlows({server, line}, peer, configured, CONFIGURED_FROM)));
			if (failed.length > 0) process.stderr.write(`${server.readLog().slice(-2_000)}\n`);
		}
		if (failed.length > 0) throw new AggregateError(failed, `${failed.length} flows failed`);
	} catch (cause) {
		process.stderr.write(`${ours.readLog().slice(-2_000)}\n${synapse.readLog().slice(-2_000)}\n`);
		throw cause;
	}
}

/** Lists the flows of a name that is wanted, in the versions that are. */
function listWanted(flows: readonly Flow[], wanted: Wanted): readonly Flow[] {
	return flows
		.filter(({name}) => wanted.flows.test(name))
		.map(({versions, ...flow}) => ({
			...flow,
			...(versions && {versions: versions.filter((version) => wanted.versions.includes(version))}),
		}));
}

/** Goes through all flows whatever becomes of one, and gives what went wrong. `firstId` is that of the first one's people. */
async function goThroughFlows(
	ours: Reachable,
	synapse: Reachable,
	flows: readonly Flow[],
	firstId = 0,
): Promise<unknown[]> {
	const failed: unknown[] = [];
	for (const [id, passage] of listPassages(flows, ours, synapse).entries()) {
		const title = `${passage.flow.name}, version ${passage.roomVersion}, with ${passage.host === ours ? 'ours' : 'Synapse'} as the host`;
		const begun = performance.now();
		try {
			await goThrough(passage, firstId + id);
			process.stdout.write(`ok: ${title}, ${((performance.now() - begun) / 1_000).toFixed(1)} s\n`);
		} catch (cause) {
			failed.push(cause);
			process.stdout.write(`FAILED: ${title}: ${cause instanceof Error ? cause.message : String(cause)}\n`);
		}
	}
	return failed;
}

async function talkInRooms(
	ours: ServerProcess,
	synapse: ServerProcess,
	plainVersions: readonly string[],
): Promise<void> {
	const kinds: readonly {readonly name: string; readonly versions: readonly string[]; readonly open: Open}[] = [
		{
			name: 'plain',
			versions: plainVersions,
			open: async (server, username) => new PlainClient(server, await register(server, username)),
		},
		{
			name: 'encrypted',
			versions: [ENCRYPTED_VERSION],
			open: async (server, username) => EncryptedClient.open(server, await register(server, username)),
		},
	];
	for (const {name, versions, open} of kinds) {
		using here = await open(ours, `here-${name}`);
		using there = await open(synapse, `there-${name}`);
		for (const version of versions) {
			for (const [inviter, guest] of [
				[here, there],
				[there, here],
			] as const) {
				const begun = performance.now();
				await talk(inviter, guest, version);
				const seconds = ((performance.now() - begun) / 1_000).toFixed(1);
				process.stdout.write(
					`ok: ${name} room of version ${version}, invited by ${inviter === here ? 'ours' : 'Synapse'}, ${seconds} s\n`,
				);
			}
		}
	}
}

const {values} = parseArgs({
	options: {versions: {type: 'string', default: PLAIN_VERSIONS.join(',')}, flows: {type: 'string', default: ''}},
});
const prepared = prepareSynapse();
if ('skipped' in prepared) {
	process.stdout.write(`skipped: ${prepared.skipped}\n`);
} else {
	const tls = mkdtempSync(join(tmpdir(), 'broadsheet-tls-'));
	try {
		const versions = values.versions.split(',');
		await meetSynapse(prepared.python, createAuthority(tls), {versions, flows: new RegExp(values.flows)});
	} catch (error) {
		process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
		process.exitCode = 1;
	} finally {
		rmSync(tls, {recursive: true, force: true});
	}
	// The SDK leaves timers behind.
	process.exit();
}
