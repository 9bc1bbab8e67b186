/** Signing in where a directory is asked: what a name costs, here and there, tells nobody who has an account. */
import {createServer, type Socket} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {PasswordHasher, type UserId} from '../../../crypto/index.ts';
import {
	type App,
	createSeededRandom,
	findFreePort,
	passwordOf,
	register,
	request,
	startApp,
	until,
} from '../../harness/index.ts';
import {compareDurations, isAlike, sampleInTurn} from '../../harness/timing.ts';
import {type Directory, slapdMissing, startSlapd} from './slapd.ts';

/** Answers of each kind that are timed; TIMING_SAMPLES says how many where somebody wants a verdict. */
const samples = Number(process.env['TIMING_SAMPLES'] ?? 0);
if (slapdMissing !== undefined) console.log(`skipped: ${slapdMissing}`);
const withSlapd = slapdMissing === undefined ? test : test.skip;

/** What the directory takes some 50 ms to compare, and nothing where it has no such name. */
const SLOW =
	'{CRYPT}$6$rounds=100000$salt$8DHLafXm8pN2DpjYkJAnlqeR2vGmrvIwO.U6DNo/suUC7h/0AeoZb0MkVSa4JDyHLRQG/TULq89LUpJCpJ7hG1';
const PASSWORD = 'difference engine';

class CountingHasher extends PasswordHasher {
	count = 0;
	override verify(password: string, stored: string | undefined): Promise<boolean> {
		this.count += 1;
		return super.verify(password, stored);
	}
}

const tryPassword = (app: App, user: string, password: string) =>
	request(app, 'POST', '/_matrix/client/v3/login', {
		body: {type: 'm.login.password', identifier: {type: 'm.id.user', user}, password},
	});

/** Names of every kind: those of the directory, with and without an account, those of this server, and nobody's. */
const names = {
	'of the directory, with an account': 'ada',
	'of the directory, without one': 'grace',
	'of this server': 'alice',
	'of both, the account being this server’s': 'bob',
	deactivated: 'carol',
	'nobody’s': 'nobody',
};

async function startHouse(t: ExecutionContext, provider: (directory: Directory) => object) {
	const directory = await startSlapd(t, {ada: SLOW, grace: SLOW, bob: SLOW});
	const passwords = new CountingHasher({cost: {memoryKib: 8, passes: 1, lanes: 1}, permits: 8, waitingMax: 100});
	const config = {identity_providers: [{id: 'house', kind: 'ldap', name: 'The House', ...provider(directory)}]};
	const app = await startApp(t, {config: {...config, registration: 'open'}, passwords});
	for (const name of ['alice', 'bob', 'carol']) await register(app, name);
	await app.application.services.accounts.deactivate('@carol:news.example' as UserId, {erase: false});
	t.is((await tryPassword(app, 'ada', PASSWORD)).status, 200);
	await until(() => directory.takeOperations().some((line) => line.startsWith('UNBIND')), 'the end of the question');
	return {app, directory, passwords};
}

const bySearch = ({url, bindDn, bindPassword, base}: Directory) => ({
	url,
	search: {bind_dn: bindDn, bind_password: bindPassword, base},
});
const byName = ({tlsUrl, authority, base}: Directory) => ({
	url: tlsUrl,
	trusted_certificates: [authority],
	user_dn: `uid={username},ou=people,${base}`,
});

/** What a client of the directory asks for, without whom. */
const ASKED = /^(?:ACCEPT|BIND(?= dn=.* method=)|EXT|SRCH(?= base=)|UNBIND)/u;

for (const [way, provider, question] of [
	['a search', bySearch, ['BIND', 'SRCH', 'BIND', 'UNBIND']],
	['a name', byName, ['BIND', 'UNBIND']],
] as const) {
	withSlapd(
		`whatever name is tried, the directory is asked the same by ${way}, and one password is hashed`,
		async (t) => {
			const {app, directory, passwords} = await startHouse(t, provider);
			for (const password of ['wrong', '']) {
				const outcomes = new Map<string, string[]>();
				for (const [kind, name] of Object.entries(names)) {
					passwords.count = 0;
					const {status, text} = await tryPassword(app, name, password);
					const asked: string[] = [];
					await until(() => {
						asked.push(...directory.takeOperations().flatMap((line) => ASKED.exec(line)?.[0] ?? []));
						return asked.includes('UNBIND') && asked.includes('ACCEPT');
					}, `the question about ${kind}`);
					// Which stands where slapd leaves to chance: the thread that accepts a connection tells of it beside the one
					// that answers its first question.
					t.is(asked.filter((line) => line === 'ACCEPT').length, 1, `${kind}, ${password}`);
					t.deepEqual(
						asked.filter((line) => line !== 'ACCEPT'),
						[...question],
						`${kind}, ${password}`,
					);
					t.is(passwords.count, 1, kind);
					const outcome = `${status} ${text}`;
					outcomes.set(outcome, [...(outcomes.get(outcome) ?? []), kind]);
				}
				t.is(outcomes.size, 1, JSON.stringify([...outcomes]));
				t.regex([...outcomes.keys()][0] ?? '', /^403 /u);
			}
		},
	);
}

(samples > 0 ? withSlapd : test.skip)('no clock tells whose name the directory knows, or this server', async (t) => {
	const {app} = await startHouse(t, bySearch);
	const random = createSeededRandom('directory');
	for (const other of [names['of the directory, without one'], names['of the directory, with an account'], 'alice']) {
		const {first, second} = await sampleInTurn(
			samples,
			(kind) => tryPassword(app, kind === 'first' ? names['nobody’s'] : other, 'wrong'),
			() => random.chance(0.5),
		);
		const comparison = compareDurations(first, second);
		t.log(`nobody and ${other}`, comparison);
		t.true(isAlike(comparison), `${other}: ${JSON.stringify(comparison)}`);
	}
});

/** A directory that takes connections and says nothing, or that is not there. */
async function startSilence(t: ExecutionContext, port: number): Promise<void> {
	const sockets: Socket[] = [];
	const server = createServer((socket) => sockets.push(socket.on('error', () => undefined)));
	t.teardown(() => {
		for (const socket of sockets) socket.destroy();
		server.close();
	});
	await new Promise<void>((resolve) => {
		server.listen(port, '127.0.0.1', resolve);
	});
}

for (const state of ['says nothing', 'is not there'] as const) {
	test(`while the directory ${state} no name is told from another, and who has a password here signs in`, async (t) => {
		const port = await findFreePort('127.0.0.1');
		if (state === 'says nothing') await startSilence(t, port);
		const provider = bySearch({
			url: `ldap://127.0.0.1:${port}`,
			bindDn: 'cn=x',
			bindPassword: 'x',
			base: 'dc=x',
		} as Directory);
		const app = await startApp(t, {
			config: {identity_providers: [{id: 'house', kind: 'ldap', name: 'The House', ...provider}], registration: 'open'},
		});
		await register(app, 'alice');
		const {storage, services} = app.application;
		const ada = '@ada:news.example' as UserId;
		await services.accounts.register({
			userId: ada,
			alsoWrite: (batch) => storage.identities.add(batch, {providerId: 'house', subject: 'dn x', userId: ada}),
		});
		const tryAll = () =>
			Promise.all(
				['ada', 'alice', 'grace', 'nobody'].map(async (name) => {
					const begun = performance.now();
					const {status, text} = await tryPassword(app, name, 'wrong');
					return `${status} ${text} at tick ${Math.floor((performance.now() - begun) / 1000)}`;
				}),
			);
		let answers = await tryAll();
		// A busy machine makes this or that answer late; what tells names apart does so each time.
		for (let more = 0; more < 3 && new Set(answers).size > 1; more += 1) answers = await tryAll();
		t.is(new Set(answers).size, 1, answers.join('\n'));
		t.regex(answers[0] ?? '', /^403 /u);
		t.is((await tryPassword(app, 'alice', passwordOf('alice'))).status, 200);
	});
}
