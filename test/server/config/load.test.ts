import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {parse} from 'yaml';
import {type Config, ConfigError, loadConfig} from '../../../server/config/index.ts';
import {processorTime} from '../../harness/processor-time.ts';

function writeConfig(t: ExecutionContext, text: string): string {
	const directory = mkdtempSync(join(tmpdir(), 'broadsheet-config-'));
	t.teardown(() => rmSync(directory, {recursive: true}));
	const file = join(directory, 'homeserver.yaml');
	writeFileSync(file, text);
	return file;
}

const load = (t: ExecutionContext, text: string, environment: Record<string, string> = {}): Config =>
	loadConfig(writeConfig(t, text), environment);

function errorOf(t: ExecutionContext, text: string, environment: Record<string, string> = {}): string {
	const error = t.throws(() => load(t, text, environment), {instanceOf: ConfigError}, text);
	return error?.message ?? '';
}

test('an empty file is the default configuration', (t) => {
	const file = writeConfig(t, '');
	const config = loadConfig(file, {});
	const directory = join(file, '..');
	t.is(String(config.serverName), 'localhost');
	t.is(config.publicUrl, 'http://127.0.0.1:8008');
	t.deepEqual(config.listeners, [{address: '127.0.0.1', port: 8008, serves: ['client', 'federation', 'well-known']}]);
	t.is(config.dataPath, join(directory, 'data'));
	t.deepEqual(config.database, {kind: 'sqlite', path: join(directory, 'data/broadsheet.db')});
	t.is(config.registration, 'closed');
	t.is(config.federation.mode, 'open');
	t.deepEqual(config.privacy, {profiles: 'server', directory: 'server', keys: 'server'});
	t.deepEqual(config.media, {
		store: join(directory, 'data/media'),
		uploadBytesMax: 100 * 1024 * 1024,
		userBytesMax: undefined,
		cacheBytesMax: 10 * 1024 ** 3,
	});
	t.is(config.defaultRoomVersion, '12');
	t.is(config.rateLimits, 'default');
});

test('how much is kept of people and of other servers is as the settings say, and bounded for people nobody has vetted', (t) => {
	const of = (text: string) => {
		const {userBytesMax, cacheBytesMax} = load(t, text).media;
		return [userBytesMax, cacheBytesMax];
	};
	t.deepEqual(of('registration: open'), [1024 ** 3, 10 * 1024 ** 3]);
	t.deepEqual(of('registration: token'), [undefined, 10 * 1024 ** 3]);
	t.deepEqual(of('registration: open\nmedia: {quota_per_user: null, remote_cache: null}'), [undefined, undefined]);
	t.deepEqual(of('media: {quota_per_user: 5MiB, remote_cache: 1GiB}'), [5 * 1024 ** 2, 1024 ** 3]);
	t.deepEqual(of('registration: open\nmedia: {quota_per_user: default}'), [1024 ** 3, 10 * 1024 ** 3]);
	t.regex(errorOf(t, 'media: {remote_cache: 1MiB}'), /media\.remote_cache: expected at least/u);
	t.regex(errorOf(t, 'media: {quota_per_user: much}'), /media\.quota_per_user/u);
});

test('the homeserver.yaml that comes with the program is good, and so is every line commented out in it', (t) => {
	const text = readFileSync('homeserver.yaml', 'utf8');
	const config = load(t, text);
	t.deepEqual({...config, ...fixed}, {...load(t, ''), ...fixed});
	const shown = text
		.replaceAll(/^( *)#(?=[a-z_]+: \S)/gmu, '$1')
		.replaceAll(/^#(?=support:| +contacts:| +- \{role| +support_page)/gmu, '');
	const document = parse(shown) as object;
	for (const key of [
		'public_url',
		'support',
		'trusted_proxies',
		'database',
		'roles',
		'privacy',
		'retention',
		'oauth',
	]) {
		t.true(Object.hasOwn(document, key), key);
	}
	t.is(load(t, shown).support?.support_page, 'https://news.example/help');
});

/** Paths differ with the directory of each file. */
const fixed = {dataPath: '', database: {}, media: {}};

test('JSON is a configuration too, and paths are relative to the file', (t) => {
	const file = writeConfig(
		t,
		JSON.stringify({
			server_name: 'news.example',
			data: 'd',
			database: 'sqlite:x.db',
			media: {store: '/srv/media', max_upload: '2GiB'},
			listeners: [
				{port: 1, address: '::', serves: ['client'], tls: {certificate: 'c.pem', key: '/k.pem'}},
				{path: 'http.sock', serves: ['admin']},
			],
			federation: {mode: 'partners', partners: ['a.example', {server_name: 'b.example'}], trusted_certificates: ['ca']},
		}),
	);
	const at = (path: string): string => join(file, '..', path);
	const config = loadConfig(file, {});
	t.is(String(config.serverName), 'news.example');
	t.is(config.publicUrl, 'https://localhost:1');
	t.deepEqual(config.database, {kind: 'sqlite', path: at('x.db')});
	t.deepEqual(config.media, {
		store: '/srv/media',
		uploadBytesMax: 2 * 1024 ** 3,
		userBytesMax: undefined,
		cacheBytesMax: 10 * 1024 ** 3,
	});
	t.deepEqual(config.listeners, [
		{port: 1, address: '::', serves: ['client'], tls: [{certificate: at('c.pem'), key: '/k.pem'}]},
		{path: at('http.sock'), serves: ['admin']},
	]);
	t.deepEqual<readonly string[], readonly string[]>(config.federation.partners, ['a.example', 'b.example']);
	t.deepEqual(config.federation.trustedCertificates, [at('ca')]);
});

test('an error names the file, the key and what was expected', (t) => {
	const cases: [string, RegExp][] = [
		['servername: x', /homeserver\.yaml: servername: unknown key, expected one of server_name, /u],
		['server_name: 5', /homeserver\.yaml: server_name: expected a server name/u],
		['server_name: "not a name"', /server_name: expected a server name/u],
		['federation: {mode: closed}', /federation\.mode: expected one of "off", "partners", "open"/u],
		['federation: {modus: off}', /federation\.modus: unknown key, expected one of mode, /u],
		['listeners: []', /listeners: expected an array/u],
		['listeners: [{port: 70000, serves: [client]}]', /listeners\[0\]\.port: expected an integer from 0 to 65535/u],
		['listeners: [{port: 1}]', /listeners\[0\]\.serves: missing/u],
		['listeners: [{serves: [client]}]', /listeners\[0\]\.port: missing/u],
		['listeners: [{port: 1, path: x, serves: [client]}]', /listeners\[0\]: expected either path/u],
		['listeners: [{port: 1, serves: [everything]}]', /listeners\[0\]\.serves\[0\]: expected one of "client"/u],
		['listeners: [{port: 1, serves: [client], tls: {key: a}}]', /listeners\[0\]\.tls\.certificate: missing/u],
		['media: {max_upload: 5 parsecs}', /media\.max_upload: expected a size such as '100MiB'/u],
		['media: {store: "s3://bucket/x"}', /media\.store: .*reserved/u],
		['database: mysql://x', /database: expected sqlite:PATH or postgres/u],
		['rate_limits: {login: {per_second: 0, burst: 1}}', /rate_limits\.login\.per_second: expected a number/u],
		['rate_limits: {nonsense: {per_second: 1, burst: 1}}', /rate_limits\.nonsense: unknown key/u],
		['trusted_proxies: [10.0.0.0/40]', /trusted_proxies\[0\]: expected an address or a CIDR range/u],
		['registration_shared_secret: ""', /registration_shared_secret: expected a string that is not empty/u],
		['default_room_version: "13"', /default_room_version: expected one of "1"/u],
		['smtp: {host: mail.example}', /smtp\.from: missing/u],
		['smtp: {host: mail.example, from: nobody}', /smtp\.from: expected an e-mail address/u],
		['smtp: {host: mail.example, from: a@b.example, user: a}', /smtp: expected user and password .* together/u],
		[
			'smtp: {host: mail.example, from: a@b.example, user: a, password: b, password_file: c}',
			/smtp: expected either password or password_file/u,
		],
		['smtp: {host: mail.example, from: a@b.example, user: a, password_file: nowhere}', /password_file: .*ENOENT/u],
		['smtp: {host: mail.example, from: a@b.example, user: a, password: b, tls: off}', /smtp\.tls: a password/u],
		['server_notices: {localpart: "Not good"}', /server_notices\.localpart: expected the part of a user id/u],
		['url_previews: {enabled: true}', /url_previews: reserved/u],
		['- a list', /expected keys and values/u],
		['a: [', /is not YAML/u],
		['data: a\ndata: b', /is not YAML: .*unique/iu],
	];
	for (const [text, expected] of cases) {
		t.regex(errorOf(t, text), expected, text);
	}
	const missing = t.throws(() => loadConfig('/nowhere/homeserver.yaml', {}), {instanceOf: ConfigError});
	t.regex(missing?.message ?? '', /^\/nowhere\/homeserver\.yaml: cannot be read \(ENOENT\)$/u);
});

test('E5: no secret has a default, and an empty one keeps the server from starting', (t) => {
	t.is(load(t, '').registrationSharedSecret, undefined);
	for (const empty of ['""', '{}', '0', 'false', '[]']) {
		t.regex(errorOf(t, `registration_shared_secret: ${empty}`), /registration_shared_secret: expected a string/u);
	}
});

test('no error quotes a value, which may be a secret', (t) => {
	t.false(errorOf(t, 'registration_shared_secret: {hidden: sesame}').includes('sesame'));
	t.false(errorOf(t, 'database: "postgre://u:sesame@h/n"').includes('sesame'));
});

test('the environment overrides the file, with two underscores between levels', (t) => {
	const config = load(t, 'server_name: a.example\nfederation: {mode: off}', {
		BROADSHEET_SERVER_NAME: 'b.example',
		BROADSHEET_FEDERATION__MODE: 'partners',
		BROADSHEET_FEDERATION__PARTNERS: '[c.example]',
		BROADSHEET_REGISTRATION_SHARED_SECRET: '123456',
		BROADSHEET_PRIVACY__PROFILES: 'open',
		BROADSHEET_MEDIA__MAX_UPLOAD: '1KiB',
		BROADSHEET_LISTENERS: '[{port: 5, serves: [client]}]',
		BROADSHEET_PUBLIC_URL: 'null',
		OTHER: 'x',
	});
	t.is(String(config.serverName), 'b.example');
	t.is(config.federation.mode, 'partners');
	t.deepEqual<readonly string[], readonly string[]>(config.federation.partners, ['c.example']);
	t.is(config.registrationSharedSecret, '123456');
	t.is(config.privacy.profiles, 'open');
	t.is(config.media.uploadBytesMax, 1024);
	t.is(config.publicUrl, 'http://127.0.0.1:5');
});

test('a variable that names no key is an error, as an unknown key is', (t) => {
	for (const name of ['BROADSHEET_NONSENSE', 'BROADSHEET_FEDERATION__MODUS', 'BROADSHEET_SERVER_NAME__X']) {
		t.regex(errorOf(t, '', {[name]: 'x'}), new RegExp(`^${name}: no such key`, 'u'));
	}
});

test('privacy is one word or three, and who signs up freely is told of nobody', (t) => {
	t.deepEqual(load(t, 'privacy: open').privacy, {profiles: 'open', directory: 'open', keys: 'open'});
	t.deepEqual(load(t, 'privacy: {keys: shared}').privacy, {profiles: 'server', directory: 'server', keys: 'shared'});
	t.is(load(t, 'registration: open').privacy.profiles, 'shared');
	t.is(load(t, 'registration: token').privacy.profiles, 'server');
});

test('limits of single classes keep the defaults of the others', (t) => {
	t.deepEqual(load(t, 'rate_limits: {login: {per_second: 1, burst: 2}}').rateLimits, {
		login: {perSecond: 1, burst: 2},
	});
	t.is(load(t, 'rate_limits: off').rateLimits, 'off');
});

test('F11: registration files of application services are read for their names, and what is wrong with them is said', (t) => {
	const directory = mkdtempSync(join(tmpdir(), 'broadsheet-config-'));
	t.teardown(() => rmSync(directory, {recursive: true}));
	const write = (name: string, text: string): void => writeFileSync(join(directory, name), text);
	const good = 'as_token: sesame\nhs_token: sesame\nurl: null\nsender_localpart: bot\n';
	const users = (...regexes: string[]) =>
		`namespaces: {users: [${regexes.map((regex) => `{exclusive: true, regex: ${JSON.stringify(regex)}}`).join(', ')}]}`;
	write('good.yaml', `id: good\n${good}${users('@wa_[0-9]+:a\\.example', '@(x|y)_.*', '^@irc_.*', '@sms?_.+')}`);
	const loaded = (...names: string[]) => {
		write('homeserver.yaml', `appservices: [${names.join(', ')}]`);
		return loadConfig(join(directory, 'homeserver.yaml'), {});
	};
	const [service] = loaded('good.yaml').appservices;
	t.like(service, {id: 'good', senderLocalpart: 'bot'});
	const covers = (userId: string) => service!.users.some((namespace) => namespace.matches(userId));
	for (const userId of ['@wa_447:a.example', '@y_1:a.example', '@irc_:b', '@sm_1:a', '@wa_1:a.example.org']) {
		t.true(covers(userId), userId);
	}
	for (const userId of ['@wa_:a.example', '@wa_447:aXexample', '@alice:a.example', 'x@wa_447:a.example', '@sms_']) {
		t.false(covers(userId), userId);
	}
	const faulty: [string, string, RegExp][] = [
		['absent.yaml', '', /appservices\[0\]: .*absent\.yaml: cannot be read \(ENOENT\)/u],
		['text.yaml', 'sesame: [', /text\.yaml: is not YAML$/u],
		['bare.yaml', 'id: x', /bare\.yaml: sender_localpart: expected a string/u],
		['kind.yaml', `id: 5\n${good}${users()}`, /kind\.yaml: id: expected a string/u],
		['look.yaml', `id: x\n${good}${users('@a', '(?=b)')}`, /look\.yaml: namespaces\.users\[1\]\.regex: .*RE2/u],
		['big.yaml', `id: x\n${good}${users('@(?:(?:a{1,30}){1,30})b')}`, /users\[0\]\.regex: expected a shorter pattern/u],
	];
	for (const [name, text, expected] of faulty) {
		if (text !== '') write(name, text);
		const {message} = t.throws(() => loaded(name), {instanceOf: ConfigError}, name);
		t.regex(message, expected, name);
		t.false(message.includes('sesame'), name);
	}
	t.regex(
		t.throws(() => loaded('good.yaml', 'good.yaml'))?.message ?? '',
		/appservices\[1\]: .*: id: expected another/u,
	);
});

test('F11: a pattern that a backtracking matcher would never be done with takes a moment', (t) => {
	const directory = mkdtempSync(join(tmpdir(), 'broadsheet-config-'));
	t.teardown(() => rmSync(directory, {recursive: true}));
	const users = [{exclusive: true, regex: '@(a+)+(a|a)*(.*.*.*)*x:'}];
	writeFileSync(join(directory, 'as.yaml'), JSON.stringify({id: 'x', sender_localpart: 'bot', namespaces: {users}}));
	writeFileSync(join(directory, 'homeserver.yaml'), 'appservices: [as.yaml]');
	const [service] = loadConfig(join(directory, 'homeserver.yaml'), {}).appservices;
	const began = processorTime();
	t.false(service!.users[0]!.matches(`@${'a'.repeat(240)}:example`));
	t.true(processorTime() - began < 1_000);
});
