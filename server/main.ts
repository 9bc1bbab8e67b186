import {mkdirSync} from 'node:fs';
import {parseArgs} from 'node:util';
import {errorMappers, routeTables} from './api/index.ts';
import {type Config, ConfigError, loadConfig} from './config/index.ts';
import {type HttpServer, ListenError, MatrixError, startHttpServer} from './http/index.ts';
import type {Services} from './services.ts';
import {type Logger, makeLogger, makeMetrics} from './telemetry/index.ts';

/** Everything must have ended this long after SIGTERM; what has not is left behind. */
const stopMsMax = 9_500;

/** A running server. */
interface RunningServer {
	readonly http: HttpServer;
	/** Stops taking requests, lets those under way end, and closes everything in the reverse order of its start. */
	stop(): Promise<void>;
}

async function start(config: Config, log: Logger): Promise<RunningServer> {
	mkdirSync(config.dataPath, {recursive: true, mode: 0o700});
	const metrics = makeMetrics();
	const services: Services = {config, metrics, health: () => ({status: 'ok', problems: []})};
	const http = await startHttpServer({
		listeners: config.listeners,
		tables: routeTables,
		services,
		authenticators: {
			user: () => undefined,
			server: () => {
				throw new MatrixError('M_UNAUTHORIZED', 'This server federates with nobody');
			},
		},
		errorMappers,
		rateLimits: config.rateLimits,
		trustedProxies: config.trustedProxies,
		log,
		observe: metrics.observeRequest,
	});
	log.info({addresses: http.addresses, serverName: config.serverName}, 'Listening');
	return {http, stop: () => http.stop()};
}

function handleSignals(server: RunningServer, log: Logger): void {
	let isStopping = false;
	const stop = (signal: string): void => {
		if (isStopping) {
			return;
		}
		isStopping = true;
		log.info({signal}, 'Stopping');
		const timer = setTimeout(() => {
			log.warn({}, 'Not everything ended in time');
			process.exit(0);
		}, stopMsMax);
		server.stop().then(
			() => {
				clearTimeout(timer);
				log.info({}, 'Stopped');
				process.exit(0);
			},
			(error: unknown) => {
				log.error({err: error}, 'Stopping failed');
				process.exit(1);
			},
		);
	};
	process.on('SIGTERM', () => stop('SIGTERM'));
	process.on('SIGINT', () => stop('SIGINT'));
	process.on('SIGHUP', () => {
		try {
			server.http.reloadCertificates();
			log.info({}, 'Certificates read again');
		} catch (error) {
			log.error({err: error}, 'Certificates not reloaded');
		}
	});
}

/** What nobody caught is a bug: it is logged, and the process goes on only if no promise of ours can be half done. */
function handleBugs(log: Logger): void {
	process.on('unhandledRejection', (reason) => {
		log.error({err: reason}, 'A promise was rejected and nobody looked');
	});
	process.on('uncaughtException', (error) => {
		log.fatal({err: error}, 'An exception reached nobody');
		process.exit(1);
	});
}

async function main(): Promise<void> {
	const {values} = parseArgs({options: {config: {type: 'string', short: 'c'}}});
	const config = loadConfig(values.config);
	const log = makeLogger(config.log);
	handleBugs(log);
	handleSignals(await start(config, log), log);
}

try {
	await main();
} catch (error) {
	// Wrong configuration and a port that is taken are news for the operator; anything else is a bug with a stack.
	const isForOperator = error instanceof ConfigError || error instanceof ListenError;
	process.stderr.write(`${isForOperator ? error.message : error instanceof Error ? error.stack : String(error)}\n`);
	process.exit(1);
}
