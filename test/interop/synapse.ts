/**
 * Synapse as a partner: made once from PyPI in a virtual environment in the user's cache, then started on a loopback
 * address of its own with a configuration that differs from Synapse's defaults only where a private federation, a test
 * or a measurement needs it.
 */
import {execFileSync} from 'node:child_process';
import {existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {homedir, tmpdir} from 'node:os';
import {join} from 'node:path';
import {loadOrCreateSigningKeys} from '../../crypto/index.ts';
import {
	allocateAddress,
	type CertificateAuthority,
	findFreePort,
	type Line,
	REGISTRATION_SHARED_SECRET,
	ServerProcess,
} from '../harness/index.ts';

const SYNAPSE_VERSION = '1.163.2';
/** So many requests that no test and no measurement meets a limit. */
const NO_RATE_LIMIT = {per_second: 1_000_000, burst_count: 1_000_000};

/** What making the virtual environment may take altogether; a slow mirror is a reason to go on without Synapse. */
const PREPARED_WITHIN_MS = 5 * 60_000;
/** A Python program of this size on a machine that others use too. */
const READY_WITHIN_MS = 90_000;

/**
 * Gives the Python that has Synapse, or why there is none on this machine; takes some minutes the first time. Several may
 * ask at once: each makes an environment under a name of its own, and the first one that is ready is used by all.
 */
export function prepareSynapse(): {readonly python: string} | {readonly skipped: string} {
	const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'broadsheet');
	const directory = join(cache, `synapse-${SYNAPSE_VERSION}`);
	const python = join(directory, 'bin/python');
	if (existsSync(python)) return {python};
	mkdirSync(cache, {recursive: true});
	removeAbandoned(cache);
	const draft = mkdtempSync(`${directory}-`);
	try {
		const end = performance.now() + PREPARED_WITHIN_MS;
		run('python3', ['-m', 'venv', draft], end);
		run(join(draft, 'bin/python'), ['-m', 'pip', 'install', '--quiet', `matrix-synapse==${SYNAPSE_VERSION}`], end);
		if (!existsSync(python)) renameSync(draft, directory);
		return {python};
	} catch (cause) {
		if (existsSync(python)) return {python};
		return {skipped: `Synapse ${SYNAPSE_VERSION} could not be installed from PyPI: ${reasonOf(cause)}`};
	} finally {
		rmSync(draft, {recursive: true, force: true});
	}
}

/** Removes what runs that were killed have left behind. */
function removeAbandoned(cache: string): void {
	for (const name of readdirSync(cache).filter((entry) => entry.startsWith(`synapse-${SYNAPSE_VERSION}-`))) {
		const draft = join(cache, name);
		const age = Date.now() - (statSync(draft, {throwIfNoEntry: false})?.birthtimeMs ?? Date.now());
		if (age > 2 * PREPARED_WITHIN_MS) rmSync(draft, {recursive: true, force: true});
	}
}

function run(program: string, args: readonly string[], end: number): void {
	const timeout = Math.max(1, Math.floor(end - performance.now()));
	execFileSync(program, args, {stdio: ['ignore', 'pipe', 'pipe'], timeout, killSignal: 'SIGKILL'});
}

/** The last thing that the program said, or why it said nothing. */
function reasonOf(cause: unknown): string {
	const {code, stderr, stdout, message} = cause as Error & {code?: string; stderr?: Buffer; stdout?: Buffer};
	if (code === 'ETIMEDOUT') return `not within ${PREPARED_WITHIN_MS / 1_000} s`;
	const said = `${String(stdout ?? '')}\n${String(stderr ?? '')}`.trim().split('\n').at(-1);
	return said === undefined || said === '' ? (message.split('\n')[0] ?? '') : said;
}

/**
 * Starts Synapse with TLS of `authority` and waits until it answers. Registration is open.
 * @param options `line`: what the other servers reach it through, for a test to cut; `differences`: merged over the
 * configuration's top level, where presence is off because it costs both sides.
 */
export async function startSynapse(
	python: string,
	authority: CertificateAuthority,
	{line, differences = {}}: {readonly line?: Line; readonly differences?: object} = {},
): Promise<ServerProcess> {
	const directory = mkdtempSync(join(tmpdir(), 'broadsheet-synapse-'));
	mkdirSync(join(directory, 'data'));
	const address = allocateAddress();
	const clientPort = await findFreePort(address);
	const federationPort = await findFreePort(address);
	const name = `${address}:${(await line?.open(address, federationPort)) ?? federationPort}`;
	const place = {directory, address, name, clientPort, federationPort};
	const file = join(directory, 'homeserver.yaml');
	const document = {...configuration(place, authority), presence: {enabled: false}, ...differences};
	writeFileSync(file, JSON.stringify(document, null, 1));
	writeFileSync(join(directory, 'log.yaml'), JSON.stringify(LOGGING));
	// Its key file has the form of ours, and Synapse takes long to start only to make one.
	await loadOrCreateSigningKeys(join(directory, 'data/signing.key'));
	const server = new ServerProcess({
		address,
		name,
		url: `http://${address}:${clientPort}`,
		directory,
		isTemporary: true,
		isForeign: true,
		command: [python, '-m', 'synapse.app.homeserver', '--config-path', file],
		readyWithinMs: READY_WITHIN_MS,
		environment: {},
	});
	await server.start();
	return server;
}

const LOGGING = {
	version: 1,
	formatters: {plain: {format: '%(asctime)s %(levelname)s %(name)s %(message)s'}},
	handlers: {console: {class: 'logging.StreamHandler', formatter: 'plain'}},
	root: {level: 'WARNING', handlers: ['console']},
	// Says when it has learned the members of a room.
	loggers: {'synapse.handlers.federation': {level: 'INFO'}},
	disable_existing_loggers: false,
};

interface Place {
	readonly directory: string;
	readonly address: string;
	readonly name: string;
	readonly clientPort: number;
	readonly federationPort: number;
}

function configuration(place: Place, authority: CertificateAuthority): object {
	const {directory, address, name, clientPort, federationPort} = place;
	const data = join(directory, 'data');
	const tls = authority.issue(address);
	const listener = {type: 'http', bind_addresses: [address]};
	return {
		server_name: name,
		public_baseurl: `http://${address}:${clientPort}/`,
		pid_file: join(directory, 'pid'),
		listeners: [
			{...listener, port: clientPort, tls: false, resources: [{names: ['client']}]},
			{...listener, port: federationPort, tls: true, resources: [{names: ['federation']}]},
		],
		tls_certificate_path: tls.certificate,
		tls_private_key_path: tls.key,
		federation_custom_ca_list: [authority.certificate],
		ip_range_blacklist: [],
		database: {name: 'sqlite3', args: {database: join(data, 'homeserver.db')}},
		log_config: join(directory, 'log.yaml'),
		media_store_path: join(data, 'media'),
		signing_key_path: join(data, 'signing.key'),
		trusted_key_servers: [],
		suppress_key_server_warning: true,
		report_stats: false,
		macaroon_secret_key: 'interop',
		form_secret: 'interop',
		registration_shared_secret: REGISTRATION_SHARED_SECRET,
		enable_registration: true,
		enable_registration_without_verification: true,
		bcrypt_rounds: 4,
		// A test that cut the line waits for the next attempt after it.
		federation: {
			destination_min_retry_interval: '1s',
			destination_retry_multiplier: 1,
			destination_max_retry_interval: '2s',
		},
		// An initial sync that is asked for again is to be a new one.
		caches: {sync_response_cache_duration: '0s'},
		rc_message: NO_RATE_LIMIT,
		rc_registration: NO_RATE_LIMIT,
		rc_login: {address: NO_RATE_LIMIT, account: NO_RATE_LIMIT, failed_attempts: NO_RATE_LIMIT},
		rc_joins: {local: NO_RATE_LIMIT, remote: NO_RATE_LIMIT},
		rc_joins_per_room: NO_RATE_LIMIT,
		rc_invites: {per_room: NO_RATE_LIMIT, per_user: NO_RATE_LIMIT, per_issuer: NO_RATE_LIMIT},
		rc_room_creation: NO_RATE_LIMIT,
		rc_presence: {per_user: NO_RATE_LIMIT},
		rc_federation: {window_size: 1_000, sleep_limit: 100_000, sleep_delay: 1, reject_limit: 100_000, concurrent: 100},
	};
}
