/** The server under test: ours in this very process, where its work can be counted, or any other by its addresses. */
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {
	type App,
	type CertificateAuthority,
	cheapPasswords,
	createAuthority,
	REGISTRATION_SHARED_SECRET,
	SignedPeer,
	startApp,
	startServer,
} from '../harness/index.ts';
import {defaultRates, type RateLimitClass} from '../../server/http/index.ts';
import type {TestAuthority} from '../harness/tls.ts';
import {CountingPasswords, countStorage, WorkCounter} from './counts.ts';
import type {ConfigurationName} from './probe.ts';
import {startService} from './service.ts';

/** A server that is probed. */
export interface Target extends AsyncDisposable {
	/** Where clients reach it, and where other servers do. */
	readonly url: string;
	readonly federationUrl: string;
	/** The authority (PEM) of its certificate. */
	readonly ca: string;
	readonly isForeign: boolean;
	readonly sharedSecret: string;
	/** Counts the server's work; absent for another program. */
	readonly work?: WorkCounter;
	/** Ours, for what no request can make. */
	readonly app?: App;
	/** What the application service of the server was asked; absent: it has none. */
	readonly serviceAsked?: readonly string[];
	/** Starts a server that asks this one, and that nothing here has to do with. */
	startPeer(): Promise<SignedPeer>;
}

/** How our own server is set up for one run. */
export interface OwnOptions {
	readonly configuration: ConfigurationName;
	/** Which classes of requests are limited as they are by default; the others are not. */
	readonly limited: readonly RateLimitClass[];
	/** Whether passwords cost what they do by default. */
	readonly hasRealPasswords: boolean;
}

const CONFIGURATIONS: Readonly<Record<ConfigurationName, object>> = {
	default: {},
	open: {registration: 'open'},
	token: {registration: 'token'},
};

/** More than any run asks for. */
const UNLIMITED = {per_second: 1_000_000, burst: 1_000_000};

function limitsOf(limited: readonly RateLimitClass[]): object {
	const names = Object.keys(defaultRates) as RateLimitClass[];
	return Object.fromEntries(names.filter((name) => !limited.includes(name)).map((name) => [name, UNLIMITED]));
}

/** An authority of files, as one that issues key pairs. */
function toTestAuthority(authority: CertificateAuthority): Pick<TestAuthority, 'issue'> {
	return {
		issue([host = '']) {
			const files = authority.issue(host);
			return {key: readFileSync(files.key, 'utf8'), cert: readFileSync(files.certificate, 'utf8')};
		},
	};
}

/** Starts a strange server; `ending` is told how to stop it. */
async function startPeerOf(authority: CertificateAuthority, ending: (() => unknown)[]): Promise<SignedPeer> {
	const peer = await SignedPeer.start(toTestAuthority(authority), () => {
		throw new Error('expected requests to go over the wire of the probes');
	});
	ending.push(() => peer.stop());
	return peer;
}

/** A relay that is not there: what is to be mailed waits. */
const NO_RELAY = {host: '127.0.0.1', port: 9, tls: 'off', from: 'server@news.example'};

/** Starts our server in this process, with TLS for other servers. */
export async function startOwn({configuration, limited, hasRealPasswords}: OwnOptions): Promise<Target> {
	const ending: (() => unknown)[] = [];
	const directory = mkdtempSync(join(tmpdir(), 'broadsheet-enumeration-'));
	ending.push(() => rmSync(directory, {recursive: true, force: true}));
	const authority = createAuthority(directory);
	const service = await startService(directory);
	ending.push(() => service.stop());
	const passwords = new CountingPasswords(hasRealPasswords ? undefined : cheapPasswords());
	const listener = {address: '127.0.0.1', port: 0};
	const app = await startApp(
		{teardown: (end) => void ending.push(end)},
		{
			passwords,
			config: {
				registration: 'closed',
				rate_limits: limitsOf(limited),
				fact_budget_per_day: UNLIMITED.burst,
				smtp: NO_RELAY,
				appservices: [service.file],
				listeners: [
					{...listener, serves: ['client', 'admin']},
					{...listener, serves: ['federation'], tls: authority.issue('127.0.0.1')},
				],
				federation: {
					mode: 'open',
					trusted_certificates: [authority.certificate],
					allow_private_addresses: ['127.0.0.0/8'],
				},
				...CONFIGURATIONS[configuration],
			},
		},
	);
	const [url = '', federationUrl = ''] = app.application.http.addresses;
	countStorage(app.application.storage);
	const work = new WorkCounter();
	ending.push(() => work.stop());
	return {
		url,
		federationUrl,
		ca: readFileSync(authority.certificate, 'utf8'),
		isForeign: false,
		sharedSecret: REGISTRATION_SHARED_SECRET,
		work,
		app,
		serviceAsked: service.asked,
		startPeer: () => startPeerOf(authority, ending),
		async [Symbol.asyncDispose]() {
			for (const end of ending.toReversed()) await end();
		},
	};
}

/** Starts our server as a process of its own, with passwords as they are by default: for the clock. */
export async function startOwnProcess(configuration: ConfigurationName): Promise<Target> {
	const directory = mkdtempSync(join(tmpdir(), 'broadsheet-enumeration-'));
	const authority = createAuthority(directory);
	const server = await startServer({
		authority,
		config: {
			registration: 'closed',
			fact_budget_per_day: UNLIMITED.burst,
			smtp: NO_RELAY,
			...CONFIGURATIONS[configuration],
		},
	});
	const federationUrl = `https://${server.name}`;
	const target = meetForeign({url: server.url, federationUrl, authority, sharedSecret: REGISTRATION_SHARED_SECRET});
	return {
		...target,
		isForeign: false,
		async [Symbol.asyncDispose]() {
			await target[Symbol.asyncDispose]();
			await server[Symbol.asyncDispose]();
			rmSync(directory, {recursive: true, force: true});
		},
	};
}

/** Where another program's server is. */
export interface ForeignPlace {
	readonly url: string;
	readonly federationUrl: string;
	readonly authority: CertificateAuthority;
	readonly sharedSecret: string;
}

/** Gives a server that runs already. It must trust the authority, and let the strange server's address be reached. */
export function meetForeign({authority, ...place}: ForeignPlace): Target {
	const ending: (() => unknown)[] = [];
	return {
		...place,
		ca: readFileSync(authority.certificate, 'utf8'),
		isForeign: true,
		startPeer: () => startPeerOf(authority, ending),
		async [Symbol.asyncDispose]() {
			for (const end of ending.toReversed()) await end();
		},
	};
}
