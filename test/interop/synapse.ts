/**
 * Synapse as a partner: made once from PyPI in a virtual environment in the user's cache, then started on a loopback
 * address of its own with a configuration that differs from Synapse's defaults only where a private federation, a test
 * or a measurement needs it.
 */
import {execFileSync} from 'node:child_process';
import {existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync} from 'node:fs';
import {homedir, tmpdir} from 'node:os';
import {join} from 'node:path';
import {
	allocateAddress,
	type CertificateAuthority,
	findFreePort,
	REGISTRATION_SHARED_SECRET,
	ServerProcess,
} from '../harness/index.ts';

const SYNAPSE_VERSION = '1.163.2';
/** So many requests that no test and no measurement meets a limit. */
const NO_RATE_LIMIT = {per_second: 1_000_000, burst_count: 1_000_000};

/** Why Synapse cannot be had on this machine, or undefined where it can; may take a minute the first time. */
export function prepareSynapse(): {readonly python: string} | {readonly skipped: string} {
	const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
	const directory = join(cache, 'broadsheet', `synapse-${SYNAPSE_VERSION}`);
	const python = join(directory, 'bin/python');
	const isReady = join(directory, 'ready');
	if (existsSync(isReady)) return {python};
	try {
		rmSync(directory, {recursive: true, force: true});
		mkdirSync(directory, {recursive: true});
		execFileSync('python3', ['-m', 'venv', directory], {stdio: 'pipe'});
		execFileSync(python, ['-m', 'pip', 'install', '--quiet', `matrix-synapse==${SYNAPSE_VERSION}`], {stdio: 'pipe'});
		writeFileSync(`${isReady}.new`, SYNAPSE_VERSION);
		renameSync(`${isReady}.new`, isReady);
		return {python};
	} catch (cause) {
		rmSync(directory, {recursive: true, force: true});
		const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
		return {skipped: `Synapse ${SYNAPSE_VERSION} could not be installed from PyPI: ${reason}`};
	}
}

/** Starts Synapse with TLS of `authority` and waits until it answers. Registration is open. */
export async function startSynapse(python: string, authority: CertificateAuthority): Promise<ServerProcess> {
	const directory = mkdtempSync(join(tmpdir(), 'broadsheet-synapse-'));
	mkdirSync(join(directory, 'data'));
	const address = allocateAddress();
	const clientPort = await findFreePort(address);
	const federationPort = await findFreePort(address);
	const place = {directory, address, clientPort, federationPort};
	const file = join(directory, 'homeserver.yaml');
	writeFileSync(file, JSON.stringify(configuration(place, authority), null, 1));
	writeFileSync(join(directory, 'log.yaml'), JSON.stringify(LOGGING));
	const program = [python, '-m', 'synapse.app.homeserver', '--config-path', file];
	execFileSync(python, [...program.slice(1), '--generate-keys'], {stdio: 'pipe', cwd: directory});
	const server = new ServerProcess({
		address,
		name: `${address}:${federationPort}`,
		url: `http://${address}:${clientPort}`,
		directory,
		isTemporary: true,
		isForeign: true,
		command: program,
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
	disable_existing_loggers: false,
};

interface Place {
	readonly directory: string;
	readonly address: string;
	readonly clientPort: number;
	readonly federationPort: number;
}

function configuration(place: Place, authority: CertificateAuthority): object {
	const {directory, address, clientPort, federationPort} = place;
	const data = join(directory, 'data');
	const tls = authority.issue(address);
	const listener = {type: 'http', bind_addresses: [address]};
	return {
		server_name: `${address}:${federationPort}`,
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
		presence: {enabled: false},
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
