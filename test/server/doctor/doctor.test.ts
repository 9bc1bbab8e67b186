import {execFile} from 'node:child_process';
import {chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import Database from 'better-sqlite3';
import {
	encodeBase64,
	generateSigningKey,
	type JsonObject,
	type JsonValue,
	loadSigningKeys,
	saveSigningKeys,
	type ServerName,
	signJson,
} from '../../../crypto/index.ts';
import {OutboundError, RemoteError} from '../../../federation/outbound/index.ts';
import {type Config, loadConfig} from '../../../server/config/index.ts';
import {examine, type Finding, type Outside} from '../../../server/doctor/index.ts';
import {openStorage} from '../../../storage/index.ts';
import {type App, call, register, startApps, until} from '../../harness/index.ts';

const PROGRAM = join(process.cwd(), 'dist/server/cli/broadsheet.js');
const DAY_MS = 86_400_000;
const NAME = 'news.example' as ServerName;
const PARTNER = 'partner.example';

function run(app: App, ...words: readonly string[]) {
	const args = [PROGRAM, 'doctor', ...words, '--config', join(app.directory, 'homeserver.yaml')];
	return new Promise<{status: number | null; stdout: string; stderr: string}>((resolve) => {
		const child = execFile(process.execPath, args, (_error, stdout, stderr) =>
			resolve({status: child.exitCode, stdout, stderr}),
		);
	});
}

const nameOf = (app: App): string => app.application.services.config.serverName;

/** Two servers whose people have met. */
async function startPartners(t: ExecutionContext): Promise<[App, App]> {
	const [here, there] = (await startApps(t, 2)) as [App, App];
	const {access_token: token} = await register(here, 'alice');
	const bob = await register(there, 'bobby');
	const body = {invite: [bob.user_id]};
	const {room_id: roomId} = await call<{room_id: string}>(here, 'POST', '/_matrix/client/v3/createRoom', {token, body});
	await call(there, 'POST', `/_matrix/client/v3/join/${encodeURIComponent(roomId)}`, {
		token: bob.access_token,
		body: {},
	});
	await until(async () => {
		const path = `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/joined_members`;
		return bob.user_id in (await call<{joined: object}>(here, 'GET', path, {token})).joined;
	}, 'both in the room');
	return [here, there];
}

test('R21: a server that is well is told so, by itself and by the partner that it heard of last', async (t) => {
	const [here, there] = await startPartners(t);
	const {status, stdout, stderr} = await run(here);
	t.is(status, 0, stdout + stderr);
	const lines = stdout.trim().split('\n');
	for (const line of [
		/^(?:good|warning) +disk +[\d.]+ GiB of/u,
		/^good +database +it is in order, with schema \d+$/u,
		/^good +keys +the server signs with ed25519:/u,
		/^good +certificates +the certificate of .*\.crt is good for 36\d days$/u,
		/^good +client access +clients are answered at http/u,
		/^skipped +well-known /u,
		/^good +dns +servers find this one at 127\./u,
		/^good +tls +the certificate of 127[\d.]+ is good for 36\d days$/u,
		/^good +published keys +servers are shown 1 keys/u,
		new RegExp(`^good +partner +${nameOf(there)} is reached from here$`, 'u'),
		new RegExp(`^good +partner +${nameOf(there)} takes what this server signs$`, 'u'),
		/^good +clock +it differs from that of 127[\d.]+:\d+ by \d s$/u,
	]) {
		t.true(
			lines.some((text) => line.test(text)),
			`${line.source} in ${stdout}`,
		);
	}
	const asked = await run(here, '--json', '--partner', nameOf(there));
	t.is(asked.status, 0);
	const findings = JSON.parse(asked.stdout) as Finding[];
	t.is(findings.length, lines.length);
	t.true(findings.every(({status: found}) => found !== 'bad'));
});

test('each thing that does not work is found, with what to do about it', async (t) => {
	const [here, there] = await startPartners(t);
	const key = join(here.directory, 'data', 'signing.key');
	const whole = readFileSync(key, 'utf8');
	const isFound = async (...wanted: readonly RegExp[]) => {
		const {status, stdout} = await run(here);
		t.is(status, 1, stdout);
		for (const line of wanted) t.regex(stdout, line);
	};
	chmodSync(key, 0o644);
	await isFound(/^bad +keys +.*signing\.key can be read by others \(mode 644\)\. What to do: chmod 600/mu);
	chmodSync(key, 0o600);
	await saveSigningKeys(key, [generateSigningKey()]);
	await isFound(
		/^bad +published keys +ed25519:\S+ is not published\. What to do: restart/mu,
		/^bad +partner +\S+ does not take what this server signs\. What to do/mu,
	);
	writeFileSync(key, whole);
	await there.application.stop();
	await isFound(/^bad +partner +127\S+: .*\. What to do: nothing, if it is known to be down/mu);
	await here.application.stop();
	await isFound(
		/^bad +client access +http\S+: .*\. What to do: start the server/mu,
		/^bad +tls +no trusted connection to 127[\d.]+ at port \d+: .*\. What to do: have a listener/mu,
		/^bad +published keys +/mu,
	);
	const db = new Database(join(here.directory, 'data', 'broadsheet.db'));
	db.exec("update cursors set acked = 999999999 where name = 'federation-out'");
	db.exec("update meta set value = 'other.example' where name = 'server_name'");
	db.close();
	await isFound(
		/^bad +database +1 cursors are ahead of the stream\. What to do/mu,
		/^bad +database +it is that of other\.example\. What to do: set server_name/mu,
	);
	rmSync(join(here.directory, 'data'), {recursive: true});
	await isFound(/^bad +database +there is no database at/mu, /^bad +keys +.*What to do: start the server once/mu);
});

interface World {
	readonly findings: Finding[];
	readonly told: (check: Finding['check']) => string[];
}

/** A server with a name of its own in a world that the test makes up. */
async function examineIn(
	t: ExecutionContext,
	changes: (good: Outside, key: JsonValue) => Partial<Outside>,
	{nowTs = Date.now(), settings = {}}: {readonly nowTs?: number; readonly settings?: Partial<Config>} = {},
): Promise<World> {
	const data = mkdtempSync(join(tmpdir(), 'broadsheet-doctor-'));
	t.teardown(() => rmSync(data, {recursive: true, force: true}));
	const file = join(data, 'homeserver.yaml');
	const document = {
		server_name: NAME,
		public_url: 'https://matrix.news.example',
		federation_address: 'fed.news.example:443',
		data,
	};
	writeFileSync(file, JSON.stringify(document));
	await (await openStorage({url: `sqlite:${join(data, 'broadsheet.db')}`, serverName: NAME})).close();
	await saveSigningKeys(join(data, 'signing.key'), [generateSigningKey()]);
	const [key] = await loadSigningKeys(join(data, 'signing.key'));
	const published = signJson(
		{
			server_name: NAME,
			valid_until_ts: nowTs + DAY_MS,
			verify_keys: {[key!.keyId]: {key: encodeBase64(key!.publicKey)}},
			old_verify_keys: {},
		},
		NAME,
		key!,
	);
	const answers: Record<string, JsonObject> = {
		'https://matrix.news.example/_matrix/client/versions': {versions: ['v1.11']},
		'https://news.example/.well-known/matrix/client': {'m.homeserver': {base_url: document.public_url}},
		'https://news.example/.well-known/matrix/server': {'m.server': document.federation_address},
	};
	const good: Outside = {
		findRoute: () =>
			Promise.resolve({
				hostHeader: NAME,
				certificateName: 'fed.news.example',
				targets: [{host: 'fed.news.example', port: 443}],
			}),
		resolve: () => Promise.resolve(['203.0.113.9']),
		isPublic: () => true,
		findCertificateEnd: () => Promise.resolve(nowTs + 60 * DAY_MS),
		get: (url) => Promise.resolve({status: url.href in answers ? 200 : 404, body: answers[url.href]}),
		fetchKeys: () => Promise.resolve(published),
		client: {
			request: () => Promise.resolve({status: 200, headers: {date: new Date(nowTs).toUTCString()}, body: {}}),
		},
		close: () => Promise.resolve(),
	};
	const outside = {...good, ...changes(good, published)};
	const findings: Finding[] = [];
	const config = {...loadConfig(file, {}), ...settings};
	for await (const finding of examine({config, partner: PARTNER, now: () => nowTs, outside})) findings.push(finding);
	const told = (check: Finding['check']) =>
		findings.filter((finding) => finding.check === check).map(({status, text}) => `${status}: ${text}`);
	return {findings, told};
}

test('a server with a name of its own is well when names, addresses and keys lead to it', async (t) => {
	const {findings, told} = await examineIn(t, () => ({}));
	t.deepEqual(
		findings.filter(({status}) => status === 'bad' || status === 'warning').filter(({check}) => check !== 'disk'),
		[],
	);
	t.deepEqual(told('well-known'), [
		'good: clients are sent to https://matrix.news.example',
		'good: servers are sent to fed.news.example:443',
	]);
	t.deepEqual(told('dns'), ['good: servers find this one at fed.news.example port 443, that is 203.0.113.9']);
});

test('names that lead nowhere, or elsewhere, are found', async (t) => {
	const elsewhere = await examineIn(t, () => ({
		get: (url) =>
			Promise.resolve({status: 200, body: url.pathname.endsWith('server') ? {'m.server': 'x:1'} : '<html>'}),
		resolve: () => Promise.resolve([]),
	}));
	t.deepEqual(elsewhere.told('client access'), [
		'bad: https://matrix.news.example/_matrix/client/versions answers 200 and no versions',
	]);
	t.deepEqual(elsewhere.told('well-known'), [
		'warning: https://news.example/.well-known/matrix/client answers 200, and not with m.homeserver.base_url',
		'bad: servers are sent to "x:1", not to fed.news.example:443',
	]);
	t.deepEqual(elsewhere.told('dns'), ['bad: fed.news.example has no address']);
	const gone = () => Promise.reject(new OutboundError('unreachable', 'gone'));
	const nowhere = await examineIn(t, () => ({get: gone, findRoute: gone, fetchKeys: gone}));
	t.deepEqual(nowhere.told('dns'), ['bad: gone']);
	t.true(nowhere.told('well-known').includes('bad: https://news.example/.well-known/matrix/server: gone'));
	const inside = await examineIn(t, () => ({isPublic: () => false, resolve: () => Promise.resolve(['10.0.0.1'])}));
	t.regex(inside.told('dns')[0] ?? '', /^warning: .*10\.0\.0\.1$/u);
	t.true(inside.findings.every(({status}) => status !== 'bad'));
});

test('a certificate that ends, a wrong clock and foreign keys are found', async (t) => {
	// The header has whole seconds.
	const nowTs = Math.floor(Date.now() / 1000) * 1000;
	const old = await examineIn(t, () => ({findCertificateEnd: () => Promise.resolve(nowTs + 9 * DAY_MS)}), {nowTs});
	t.deepEqual(old.told('tls'), ['warning: the certificate of fed.news.example is good for 9 days']);
	const ended = await examineIn(t, () => ({findCertificateEnd: () => Promise.resolve(nowTs - DAY_MS)}), {nowTs});
	t.deepEqual(ended.told('tls'), ['bad: the certificate of fed.news.example ended 1 days ago']);
	for (const [offMs, wanted] of [
		[0, /^good/u],
		[40_000, /^warning: .* by 40 s/u],
		[-600_000, /^bad: .* by 600 s/u],
	] as const) {
		const date = new Date(nowTs + offMs).toUTCString();
		const client = {request: () => Promise.resolve({status: 200, headers: {date}, body: {}})};
		t.regex((await examineIn(t, () => ({client}), {nowTs})).told('clock')[0] ?? '', wanted);
	}
	const foreign = signJson(
		{server_name: NAME, valid_until_ts: nowTs + DAY_MS, verify_keys: {}, old_verify_keys: {}},
		NAME,
		generateSigningKey(),
	);
	const told = (await examineIn(t, () => ({fetchKeys: () => Promise.resolve(foreign)}))).told('published keys');
	t.deepEqual(told, ['bad: the answer is not signed by this server']);
});

test('what a partner refuses is told apart, and without federation nobody is asked', async (t) => {
	const answering = (status: number) =>
		examineIn(t, ({client}) => ({
			client: {
				request: (asked) =>
					asked.sign === false
						? client.request(asked)
						: Promise.reject(
								new RemoteError({status, errcode: undefined, retryAfterMs: undefined, roomVersion: undefined}),
							),
			},
		}));
	t.is((await answering(401)).told('partner')[1], `bad: ${PARTNER} does not take what this server signs`);
	t.is((await answering(403)).told('partner')[1], `warning: ${PARTNER} does not federate with this server`);
	t.is((await answering(502)).told('partner')[1], `warning: ${PARTNER} answers a signed request with 502`);
	t.is((await answering(404)).told('partner')[1], `good: ${PARTNER} takes what this server signs`);
	const off = {
		mode: 'off',
		partners: [],
		trustedCertificates: [],
		allowPrivateAddresses: [],
		trustedKeyServers: [],
		resolvers: [],
		fastJoins: false,
	} as const;
	const alone = await examineIn(t, () => ({findRoute: () => t.fail()}), {settings: {federation: off}});
	t.deepEqual(alone.told('partner'), ['skipped: federation is off']);
});
