import {type ChildProcess, spawn} from 'node:child_process';
import {copyFileSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {connect} from 'node:net';
import {connect as connectTls} from 'node:tls';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {allocateAddress, createAuthority, findFreePort} from '../harness/index.ts';

interface Program {
	readonly child: ChildProcess;
	readonly exit: Promise<number | null>;
	/** What it wrote so far. */
	output(): string;
	/** Resolves when the output matches, or the program ended. */
	until(pattern: RegExp): Promise<void>;
}

function start(t: ExecutionContext, config: object): Program {
	const directory = mkdtempSync(join(tmpdir(), 'broadsheet-main-'));
	const file = join(directory, 'homeserver.yaml');
	writeFileSync(file, JSON.stringify(config));
	const child = spawn(process.execPath, ['dist/server/main.js', '--config', file]);
	t.teardown(() => {
		child.kill('SIGKILL');
		rmSync(directory, {recursive: true, force: true});
	});
	let output = '';
	const watchers = new Set<() => void>();
	const wake = (): void => {
		for (const watcher of watchers) {
			watcher();
		}
	};
	for (const stream of [child.stdout, child.stderr]) {
		stream.on('data', (chunk: Buffer) => {
			output += chunk.toString();
			wake();
		});
	}
	const exit = new Promise<number | null>((resolve) => {
		child.on('close', (code) => {
			resolve(code);
			wake();
		});
	});
	return {
		child,
		exit,
		output: () => output,
		until: (pattern) =>
			new Promise((resolve) => {
				const watcher = (): void => {
					if (pattern.test(output) || child.exitCode !== null) {
						watchers.delete(watcher);
						resolve();
					}
				};
				watchers.add(watcher);
				watcher();
			}),
	};
}

/** Whose certificate a client is shown that asks for a name. */
function shownBy(
	{address, port}: {readonly address: string; readonly port: number},
	servername: string,
): Promise<string> {
	return new Promise((resolve, reject) => {
		const socket = connectTls({host: address, port, servername, rejectUnauthorized: false}, () => {
			resolve((socket.getPeerCertificate().subjectaltname ?? '').replace('DNS:', ''));
			socket.destroy();
		});
		socket.on('error', reject);
	});
}

async function listenerConfig(): Promise<{address: string; port: number; serves: string[]}> {
	const address = allocateAddress();
	return {address, port: await findFreePort(address), serves: ['client']};
}

function isOpen({port, address}: {readonly port: number; readonly address: string}): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = connect(port, address);
		const end = (isConnected: boolean) => {
			socket.destroy();
			resolve(isConnected);
		};
		socket.once('connect', () => end(true));
		socket.once('error', () => end(false));
	});
}

test('the program serves when it says that it listens, and ends with 0 on SIGTERM although a client holds on', async (t) => {
	const listener = await listenerConfig();
	const program = start(t, {listeners: [listener]});
	await program.until(/"Listening"/u);
	const url = `http://${listener.address}:${listener.port}`;
	const answer = await fetch(`${url}/_matrix/client/versions`);
	t.is(answer.status, 200);
	t.true((await answer.text()).includes('v1.19'));
	const held = connect(listener.port, listener.address);
	t.teardown(() => held.destroy());
	await new Promise<void>((resolve) => {
		held.once('connect', () => resolve());
	});
	program.child.kill('SIGHUP');
	await program.until(/Certificates read again/u);
	const startedMs = performance.now();
	program.child.kill('SIGTERM');
	t.is(await program.exit, 0);
	t.true(performance.now() - startedMs < 10_000);
	t.regex(program.output(), /"Stopped"/u);
});

test('on SIGHUP a listener shows what was renewed, and what cannot be used keeps the old one and is told', async (t) => {
	const directory = mkdtempSync(join(tmpdir(), 'broadsheet-certificates-'));
	t.teardown(() => rmSync(directory, {recursive: true, force: true}));
	const authority = createAuthority(directory);
	const [bad, good, fresh] = ['bad.test', 'good.test', 'new.test'].map((name) => authority.issue(name));
	const listener = {...(await listenerConfig()), tls: [bad, good]};
	const program = start(t, {listeners: [listener]});
	await program.until(/"Listening"/u);
	t.deepEqual([await shownBy(listener, 'bad.test'), await shownBy(listener, 'good.test')], ['bad.test', 'good.test']);
	writeFileSync(bad!.certificate, 'no certificate');
	copyFileSync(fresh!.certificate, good!.certificate);
	copyFileSync(fresh!.key, good!.key);
	program.child.kill('SIGHUP');
	await program.until(/Other certificates read again/u);
	t.regex(program.output(), /A certificate was not reloaded/u);
	t.regex(program.output(), /bad\.test\.crt/u);
	t.notRegex(program.output(), /good\.test\.crt/u);
	t.deepEqual([await shownBy(listener, 'bad.test'), await shownBy(listener, 'new.test')], ['bad.test', 'new.test']);
	copyFileSync(fresh!.certificate, bad!.certificate);
	copyFileSync(fresh!.key, bad!.key);
	program.child.kill('SIGHUP');
	await program.until(/"Certificates read again/u);
	t.is(await shownBy(listener, 'bad.test'), 'new.test');
	program.child.kill('SIGTERM');
	t.is(await program.exit, 0);
});

test('SIGTERM at the moment a port opens ends the program with 0, once all of it stands', async (t) => {
	const listener = await listenerConfig();
	const program = start(t, {listeners: [listener]});
	// Without a pause: what is tested are the milliseconds after it opens.
	while (program.child.exitCode === null && !(await isOpen(listener)));
	program.child.kill('SIGTERM');
	t.is(await program.exit, 0, program.output());
	t.regex(program.output(), /"Stopped"/u);
	t.notRegex(program.output(), /Error/u);
});

test('a port that is taken is said in one line, with status 1', async (t) => {
	const listener = await listenerConfig();
	const first = start(t, {listeners: [listener]});
	await first.until(/"Listening"/u);
	const second = start(t, {listeners: [listener]});
	t.is(await second.exit, 1);
	t.regex(second.output(), /^Cannot listen on .* another program listens there\n$/u);
	first.child.kill('SIGTERM');
	t.is(await first.exit, 0);
});
