/** The whole server in the test's own process: for tests of endpoints, quick to start, with a clock that can be moved. */
import {randomUUID} from 'node:crypto';
import {copyFileSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {pino} from 'pino';
import {PasswordHasher, type RoomId} from '../../crypto/index.ts';
import {type Clock, systemClock} from '../../federation/engine/index.ts';
import {type Application, startApplication, type Surroundings} from '../../server/application.ts';
import {loadConfig} from '../../server/config/index.ts';
import {openStorage} from '../../storage/index.ts';
import {allocateAddress, findFreePort} from './addresses.ts';
import {createAuthority} from './certificates.ts';
import type {ClientTarget} from './client.ts';
import {FACTS_OF_TESTS} from './discretion.ts';
import {findRunDirectory} from './run-directory.ts';
import {federatedConfiguration, REGISTRATION_SHARED_SECRET} from './server-process.ts';

/** How an application differs from the usual one. */
export interface AppOptions extends Pick<Surroundings, 'readSpace' | 'thumbnailMaker'> {
	/** Merged over the configuration's top level. */
	readonly config?: Readonly<Record<string, unknown>>;
	/** Default: hashes that cost almost nothing. */
	readonly passwords?: PasswordHasher;
	/** Default: the machine's, moved by `advance`. */
	readonly clock?: Clock;
}

/** A running application; the test's end ends it. */
export interface App extends ClientTarget {
	readonly application: Application;
	/** Holds configuration and data; removed with the application. */
	readonly directory: string;
	/** What the server has logged, at every level. */
	readLog(): string;
	/** Moves the server's time forwards; timers that are running are not moved. */
	advance(ms: number): void;
	/** Starts the application anew with the same configuration and data, after it was stopped. */
	restart(): Promise<App>;
}

/** Whose end is the application's: a test, or a program that has something else end it. */
export type Lifetime = Pick<ExecutionContext, 'teardown'>;

/** The server name of an application. */
export const APP_SERVER_NAME = 'news.example';

/** Hashes that cost almost nothing, as many at a time as a test likes. */
export function cheapPasswords(): PasswordHasher {
	return new PasswordHasher({cost: {memoryKib: 8, passes: 1, lanes: 1}, permits: 8, waitingMax: 10_000});
}

let made: Promise<string> | undefined;

/** Gives a database with our tables in it and nothing else: made once for a run, for every application to begin with a copy. */
function getMadeDatabase(): Promise<string> {
	made ??= makeDatabase(join(findRunDirectory() ?? mkdtempSync(join(tmpdir(), 'broadsheet-made-')), 'made.db'));
	return made;
}

async function makeDatabase(file: string): Promise<string> {
	if (existsSync(file)) return file;
	const draft = `${file}.${randomUUID()}`;
	const storage = await openStorage({url: `sqlite:${draft}`, serverName: APP_SERVER_NAME});
	await storage.close();
	renameSync(draft, file);
	return file;
}

/** Starts an application on a free port with a database of its own: registration open, no rate limits. */
export async function startApp(t: Lifetime, options: AppOptions = {}): Promise<App> {
	const directory = mkdtempSync(join(tmpdir(), 'broadsheet-app-'));
	t.teardown(() => rmSync(directory, {recursive: true, force: true}));
	const data = join(directory, 'data');
	mkdirSync(data, {mode: 0o700});
	copyFileSync(await getMadeDatabase(), join(data, 'broadsheet.db'));
	return startIn(t, directory, options, {
		server_name: APP_SERVER_NAME,
		data,
		listeners: [{address: '127.0.0.1', port: 0, serves: ['client', 'federation', 'well-known', 'admin', 'metrics']}],
		registration: 'open',
		registration_shared_secret: REGISTRATION_SHARED_SECRET,
		rate_limits: 'off',
		fact_budget_per_day: FACTS_OF_TESTS,
		// Tests of other things look at all rooms and events that there are.
		server_notices: {enabled: false},
		...options.config,
	});
}

/** Starts applications that trust one authority and talk over TLS, each on a loopback address of its own. */
export async function startApps(t: Lifetime, count: number, options: AppOptions = {}): Promise<App[]> {
	const directory = mkdtempSync(join(tmpdir(), 'broadsheet-apps-'));
	t.teardown(() => rmSync(directory, {recursive: true, force: true}));
	const authority = createAuthority(join(directory, 'tls'));
	const apps: App[] = [];
	for (let index = 0; index < count; index += 1) {
		const address = allocateAddress();
		const own = join(directory, `app-${index}`);
		mkdirSync(own);
		const ports = {clientPort: await findFreePort(address), federationPort: await findFreePort(address)};
		const document = federatedConfiguration({directory: own, address, ...ports}, authority, options);
		apps.push(await startIn(t, own, options, document));
	}
	return apps;
}

async function startIn(
	t: Lifetime,
	directory: string,
	options: AppOptions,
	document: Readonly<Record<string, unknown>>,
): Promise<App> {
	const file = join(directory, 'homeserver.yaml');
	writeFileSync(file, JSON.stringify(document));
	let log = '';
	const logger = pino({level: 'trace'}, {write: (line: string) => void (log += line)});
	let offsetMs = 0;
	const clock: Clock = options.clock ?? {
		now: () => systemClock.now() + offsetMs,
		monotonic: () => systemClock.monotonic() + offsetMs,
		setTimer: (delayMs, run) => systemClock.setTimer(delayMs, run),
	};
	const start = async (): Promise<App> => {
		const application = await startApplication(loadConfig(file, {}), logger, {
			clock,
			passwords: options.passwords ?? cheapPasswords(),
			...(options.readSpace && {readSpace: options.readSpace}),
			...(options.thumbnailMaker && {thumbnailMaker: options.thumbnailMaker}),
			// Tests share this event loop, and the machine: how late it is says nothing of the server.
			readLateMs: () => 0,
		});
		t.teardown(() => application.stop());
		const [url] = application.http.addresses;
		if (url === undefined) throw new Error('expected an address to listen on, got none');
		return {
			url,
			application,
			directory,
			readLog: () => log,
			advance: (ms) => void (offsetMs += ms),
			restart: start,
		};
	};
	return start();
}

/** The content of somebody's member event in the current state of a room; absent where there is none. */
export async function memberContent(app: App, roomId: string, userId: string): Promise<unknown> {
	const {rooms} = app.application.storage;
	const row = await rooms.findCurrentState(roomId as RoomId, 'm.room.member', userId);
	return row && (JSON.parse(row.json) as {content: unknown}).content;
}
