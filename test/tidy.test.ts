/** The architecture as data, held against the sources: who may import whom, and what a file may look like. */
import {readdirSync, readFileSync} from 'node:fs';
import {dirname, join, relative} from 'node:path';
import test from 'ava';

const linesMax = 400;

/** Domains of the server, each with the other domains it may import. */
const domains: Readonly<Record<string, readonly string[]>> = {
	'server/account-data': [],
	'server/accounts': [
		'server/appservices',
		'server/audit',
		'server/devices',
		'server/notices',
		'server/profiles',
		'server/second-factor',
		'server/visibility',
	],
	'server/administration': [
		'server/accounts',
		'server/audit',
		'server/devices',
		'server/events',
		'server/media',
		'server/profiles',
		'server/rooms',
	],
	'server/addresses': ['server/mail', 'server/notices'],
	'server/appservices': [],
	'server/audit': [],
	'server/backup': ['server/audit', 'server/media'],
	'server/calls': [],
	'server/delayed-events': ['server/rooms'],
	'server/devices': ['server/visibility'],
	'server/doctor': [],
	'server/encryption': ['server/devices', 'server/notices', 'server/visibility'],
	'server/ephemeral': ['server/visibility'],
	'server/events': [],
	'server/filters': [],
	'server/identity-providers': ['server/accounts', 'server/devices', 'server/notices'],
	'server/mail': [],
	'server/media': ['server/visibility'],
	'server/notices': ['server/account-data', 'server/mail', 'server/rooms'],
	'server/oauth': ['server/accounts', 'server/devices'],
	'server/openid': [],
	'server/personal-data': ['server/audit', 'server/devices', 'server/encryption', 'server/events', 'server/media'],
	'server/profiles': ['server/visibility'],
	'server/push': ['server/account-data', 'server/filters'],
	'server/pushers': ['server/events', 'server/push'],
	'server/quarantine': ['server/devices', 'server/notices'],
	'server/receipts': ['server/account-data', 'server/events'],
	'server/recovery': ['server/accounts', 'server/addresses', 'server/mail', 'server/notices', 'server/second-factor'],
	'server/reports': ['server/events'],
	'server/rooms': ['server/account-data', 'server/events', 'server/filters', 'server/profiles', 'server/visibility'],
	'server/search': ['server/events', 'server/filters'],
	'server/second-factor': ['server/notices', 'server/web-sessions'],
	'server/source-links': ['server/accounts', 'server/audit', 'server/notices', 'server/rooms', 'server/visibility'],
	'server/user-directory': ['server/appservices', 'server/visibility'],
	'server/visibility': ['server/appservices'],
	'server/web-sessions': ['server/notices'],
};

const federation = ['federation/rooms', 'federation/engine', 'federation/inbound', 'federation/outbound'];
const serverGround = ['crypto', 'server/validation', 'server/config', 'server/telemetry'];

/** Each folder, and the folders it may import. What is not here may not be imported and may not exist. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
	crypto: [],
	web: [],
	storage: ['crypto'],
	'federation/rooms': ['crypto'],
	'federation/engine': ['crypto', 'storage', 'federation/rooms'],
	'federation/outbound': ['crypto', 'storage', 'federation/rooms', 'federation/engine'],
	'federation/inbound': ['crypto', 'storage', 'federation/rooms', 'federation/engine', 'federation/outbound'],
	'server/validation': ['crypto'],
	'server/http': ['crypto', 'server/validation'],
	'server/config': ['crypto', 'federation/rooms', 'server/http', 'server/validation'],
	'server/telemetry': ['server/config', 'server/http'],
	...Object.fromEntries(
		Object.entries(domains).map(([folder, others]) => [folder, [...serverGround, 'storage', ...federation, ...others]]),
	),
	'server/sync': [...serverGround, 'storage', ...federation, ...Object.keys(domains)],
	'server/jobs': [...serverGround, 'storage', ...federation, ...Object.keys(domains)],
	// No storage: an endpoint calls one domain function and shapes its answer.
	'server/api': [
		...serverGround,
		...federation,
		'server/http',
		'server/sync',
		'server/services.ts',
		'web',
		...Object.keys(domains),
	],
	'server/services.ts': [...serverGround, ...federation, 'server/sync', ...Object.keys(domains)],
};

/** Who puts everything together, and may therefore import everything; nobody below imports these. */
const assemblers = [
	'server/main.ts',
	'server/program.ts',
	'server/startup-memory.ts',
	'server/idle-memory.ts',
	'server/application.ts',
	'server/open-services.ts',
	'server/roles.ts',
	'server/cli',
	'server/wiring',
];

/** Packages that one folder has to itself, so that the rest does not depend on how they work. */
const ownersOfPackages: Readonly<Record<string, readonly string[]>> = {
	'@node-rs/argon2': ['crypto'],
	'@simplewebauthn/server': ['server/second-factor'],
	'better-sqlite3': ['storage'],
	'drizzle-orm': ['storage'],
	'oidc-provider': ['server/oauth'],
	'openid-client': ['server/identity-providers'],
	pg: ['storage'],
	sharp: ['server/media'],
	undici: ['federation/outbound'],
	otpauth: ['server/second-factor'],
	qr: ['web'],
	jose: ['server/identity-providers'],
	koa: ['server/http'],
	ldapts: ['server/identity-providers'],
	nodemailer: ['server/mail'],
	pino: ['server/telemetry'],
	'prom-client': ['server/telemetry'],
	re2js: ['server/config'],
	yaml: ['server/config'],
	yazl: ['server/personal-data'],
};

/** Packages that any folder may use. */
const packagesOfAll = ['lru-cache'];

/** What the pure core has no access to: time, chance, the process, the network. */
const impureWords =
	/\b(?:process|performance|fetch|setTimeout|setInterval|setImmediate|Date|crypto\.\w+)\b|Math\.random/u;

/** What a function that runs in one turn of the event loop cannot contain. */
const asynchronousWords = /\b(?:async|await|Promise|then)\b/u;

interface Source {
	/** From the root, with slashes. */
	readonly path: string;
	readonly text: string;
	/** Without comments and the contents of strings of code. */
	readonly code: string;
	readonly imports: readonly string[];
}

function listSources(folder: string): string[] {
	return readdirSync(folder, {withFileTypes: true, recursive: true})
		.filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
		.map((entry) => join(entry.parentPath, entry.name));
}

function readSource(path: string): Source {
	const text = readFileSync(path, 'utf8');
	const code = text.replaceAll(/\/\*[^]*?\*\/|(?<=^|\s)\/\/.*$/gmu, '');
	const statements = code.matchAll(/^\s*(?:import|export)\b[^;]*?\bfrom '([^']+)'|\bimport\(?\s*'([^']+)'/gmu);
	const imports = [...statements].map((match) => match[1] ?? match[2]!);
	return {path: relative('.', path), text, code, imports};
}

const folders = ['crypto', 'storage', 'federation', 'server', 'web', 'bench', 'test'];
const everything = folders.flatMap((folder) => listSources(folder)).map((path) => readSource(path));
const sources = everything.filter(({path}) => !path.startsWith('test/') && !path.startsWith('bench/'));
const units = [...Object.keys(mayImport), ...assemblers];

/** The row of the table that a file belongs to. */
function unitOf(path: string): string | undefined {
	return units.find((unit) => path === unit || path.startsWith(`${unit}/`));
}

function isAllowed(from: string, to: string): boolean {
	if (assemblers.includes(from)) {
		return to !== 'server/main.ts' && to !== 'server/cli';
	}
	return mayImport[from]?.includes(to) === true;
}

/** Fails with one line for each finding, so that all can be mended at once. */
function failures(found: readonly (string | undefined)[]): string {
	return found.filter((line) => line !== undefined).join('\n');
}

test('every source file belongs to a folder of the table', (t) => {
	const found = sources
		.filter(({path}) => unitOf(path) === undefined)
		.map(({path}) => `${path}: its folder has no row in mayImport of test/tidy.test.ts`);
	t.is(failures(found), '');
});

test('folders import only those that the table allows, and enter them through index.ts', (t) => {
	const found = sources.flatMap(({path, imports}) => {
		const from = unitOf(path);
		return imports
			.filter((target) => target.startsWith('.'))
			.map((target) => {
				const file = join(dirname(path), target);
				const to = unitOf(file);
				if (from === undefined || from === to) {
					return undefined;
				}
				if (to === undefined) {
					return `${path} imports ${file}, which no row of the table has`;
				}
				if (!isAllowed(from, to)) {
					return `${path} imports ${file}: ${from} may not import ${to}`;
				}
				const isEntrance = file === `${to}/index.ts` || file === to;
				return isEntrance ? undefined : `${path} imports ${file}: enter ${to} through its index.ts`;
			});
	});
	t.is(failures(found), '');
});

test('packages are imported by the folder they belong to', (t) => {
	const found = sources.flatMap(({path, imports}) =>
		imports
			.filter((target) => !target.startsWith('.') && !target.startsWith('node:'))
			.map((target) => {
				const name = target.split('/', target.startsWith('@') ? 2 : 1).join('/');
				const owners = ownersOfPackages[name];
				if (packagesOfAll.includes(name)) {
					return undefined;
				}
				if (owners === undefined) {
					return `${path} imports ${name}: no folder has it in ownersOfPackages`;
				}
				return owners.includes(unitOf(path) ?? '') ? undefined : `${path} imports ${name}, which is ${owners[0]}'s`;
			}),
	);
	t.is(failures(found), '');
});

test('federation/rooms is pure', (t) => {
	const found = sources
		.filter(({path}) => path.startsWith('federation/rooms/'))
		.flatMap(({path, code, imports}) => [
			...imports.filter((target) => !target.startsWith('.')).map((target) => `${path} imports ${target}`),
			...code
				.split('\n')
				.filter((line) => impureWords.test(line.replaceAll(/'[^']*'/gu, '')))
				.map((line) => `${path}: ${line.trim()}`),
		]);
	t.is(failures(found), '');
});

test('what runs in one turn of the room actor never waits', (t) => {
	const turns = sources.filter(({path}) => /^federation\/engine\/.*turn[^/]*\.ts$/u.test(path));
	const found = turns.flatMap(({path, code}) =>
		code
			.split('\n')
			.filter((line) => asynchronousWords.test(line))
			.map((line) => `${path}: ${line.trim()}`),
	);
	t.is(failures(found), '');
});

test(`no file is longer than ${linesMax} lines`, (t) => {
	// A migration is one statement after another, written once and never changed.
	const found = everything.map(({path, text}) => {
		if (path.includes('/migrations/')) {
			return undefined;
		}
		const lines = text.split('\n').length - 1;
		return lines > linesMax ? `${path} has ${lines} lines` : undefined;
	});
	t.is(failures(found), '');
});

/** Files that make regular expressions while the program runs, each of words of its own. */
const makersOfExpressions = ['server/media/content-description.ts'];

test('no regular expression is made of what somebody sent: patterns of people and servers are matched by our own globs', (t) => {
	const found = sources.flatMap(({path, code}) =>
		code
			.split('\n')
			// A text given to `match` becomes an expression too; those that are written out are called forms.
			.filter((line) => /\bRegExp\(|\.match(?:All)?\((?!\/|\w+Form\))/u.test(line))
			.filter(() => !makersOfExpressions.includes(path))
			.map((line) => `${path}: ${line.trim()}`),
	);
	t.is(failures(found), '');
});

test('there are no default exports', (t) => {
	const found = everything.map(({path, code}) =>
		/^export default\b/mu.test(code) || /\bas default\b/u.test(code) ? `${path} has a default export` : undefined,
	);
	t.is(failures(found), '');
});

test('every row of the list of threats about odd input, signatures, events, transport, accounts, media and storage is a test', (t) => {
	const rows = Object.entries({A: 13, B: 10, C: 15, D: 9, E: 15, F: 12, G: 5}).flatMap(([section, count]) =>
		Array.from({length: count}, (_, index) => `${section}${index + 1}`),
	);
	const titles = everything
		.filter(({path}) => path.endsWith('.test.ts'))
		.flatMap(({text}) => [...text.matchAll(/(?:['"`]|\()((?:[A-G]\d{1,2}, )*[A-G]\d{1,2})(?:: |\)(?=[,'`]))/gu)]);
	const tested = new Set(titles.flatMap((title) => title[1]?.split(', ')));
	t.deepEqual(
		rows.filter((row) => !tested.has(row)),
		[],
	);
});
