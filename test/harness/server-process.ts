/**
 * The built server as a process of its own: on a loopback address of its own, with TLS from a private authority, driven
 * as an operator would drive it (a configuration file, signals, logs). For tests of what only whole processes show.
 */
import {existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {allocateAddress, findFreePort} from './addresses.ts';
import {type CertificateAuthority, createAuthority} from './certificates.ts';
import {FACTS_OF_TESTS} from './discretion.ts';
import type {Line} from './line.ts';
import {ServerProcess} from './process.ts';

/** The program under test, as `npm run build` leaves it. */
export const SERVER_PROGRAM = join(process.cwd(), 'dist/server/main.js');
/** The secret of Synapse-compatible registration on every server that is started here. */
export const REGISTRATION_SHARED_SECRET = 'harness';

/** How a server differs from the usual one. */
export interface ServerOptions {
	/** Shared by servers that federate; each gets an authority of its own by default and so trusts nobody. */
	readonly authority?: CertificateAuthority;
	/** Holds configuration, data and log; by default a temporary directory that goes with the server. */
	readonly directory?: string;
	/** What the other servers reach it through, for a test to cut. */
	readonly line?: Line;
	/** Merged over the configuration's top level. */
	readonly config?: Readonly<Record<string, unknown>>;
	/** Added to the environment, such as LD_PRELOAD. */
	readonly environment?: Readonly<Record<string, string>>;
	/** Starts nothing; the first `start()` is the caller's. */
	readonly isHeld?: boolean;
}

/** Starts one server and waits until it is ready. */
export async function startServer(options: ServerOptions = {}): Promise<ServerProcess> {
	if (!existsSync(SERVER_PROGRAM)) throw new Error(`expected the built server at ${SERVER_PROGRAM}: npm run build`);
	const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'broadsheet-server-'));
	mkdirSync(directory, {recursive: true});
	const address = allocateAddress();
	const clientPort = await findFreePort(address);
	const federationPort = await findFreePort(address);
	const authority = options.authority ?? createAuthority(join(directory, 'tls'));
	const name = `${address}:${(await options.line?.open(address, federationPort)) ?? federationPort}`;
	const place = {directory, address, name, clientPort, federationPort};
	writeFileSync(
		join(directory, 'homeserver.yaml'),
		JSON.stringify(federatedConfiguration(place, authority, options), null, 1),
	);
	const server = new ServerProcess({
		address,
		name,
		url: `http://${address}:${clientPort}`,
		directory,
		isTemporary: options.directory === undefined,
		command: [process.execPath, SERVER_PROGRAM, '--config', join(directory, 'homeserver.yaml')],
		environment: options.environment ?? {},
	});
	if (options.isHeld === true) return server;
	try {
		await server.start();
		return server;
	} catch (cause) {
		await server[Symbol.asyncDispose]();
		throw cause;
	}
}

/** Several servers that trust one authority and reach each other. */
export interface Servers extends AsyncDisposable {
	readonly list: readonly ServerProcess[];
	readonly authority: CertificateAuthority;
}

/** Starts `count` servers of one private federation; disposing of the answer ends and removes them all. */
export async function startServers(
	count: number,
	options: Omit<ServerOptions, 'directory' | 'line'> & {readonly lines?: readonly Line[]} = {},
): Promise<Servers> {
	const directory = mkdtempSync(join(tmpdir(), 'broadsheet-servers-'));
	const authority = options.authority ?? createAuthority(join(directory, 'tls'));
	const list: ServerProcess[] = [];
	const dispose = async () => {
		await Promise.all(list.map((server) => server[Symbol.asyncDispose]()));
		rmSync(directory, {recursive: true, force: true});
	};
	try {
		for (let index = 0; index < count; index += 1) {
			const line = options.lines?.[index];
			const own = {authority, directory: join(directory, `server-${index}`), ...(line !== undefined && {line})};
			list.push(await startServer({...options, ...own}));
		}
	} catch (cause) {
		await dispose();
		throw cause;
	}
	return {list, authority, [Symbol.asyncDispose]: dispose};
}

/** Where one server lives. */
export interface Place {
	readonly directory: string;
	readonly address: string;
	/** The server's name in the federation; by default the address and the TLS port. */
	readonly name?: string;
	readonly clientPort: number;
	readonly federationPort: number;
}

/** The configuration of a server that others of its authority reach over TLS. */
export function federatedConfiguration(
	place: Place,
	authority: CertificateAuthority,
	options: Pick<ServerOptions, 'config'>,
): Readonly<Record<string, unknown>> {
	const {address, clientPort, federationPort, directory, name = `${address}:${federationPort}`} = place;
	const {federation, ...config} = options.config ?? {};
	return {
		server_name: name,
		public_url: `http://${address}:${clientPort}`,
		data: join(directory, 'data'),
		listeners: [
			{address, port: clientPort, serves: ['client', 'admin', 'metrics']},
			{address, port: federationPort, serves: ['federation'], tls: authority.issue(address)},
		],
		registration: 'open',
		registration_shared_secret: REGISTRATION_SHARED_SECRET,
		rate_limits: 'off',
		fact_budget_per_day: FACTS_OF_TESTS,
		server_notices: {enabled: false},
		federation: {
			mode: 'open',
			trusted_certificates: [authority.certificate],
			allow_private_addresses: ['127.0.0.0/8'],
			...(federation as object | undefined),
		},
		log: {level: 'info', format: 'json'},
		...config,
	};
}
