import {parseArgs} from 'node:util';
import {type Application, startApplication} from './application.ts';
import {type Config, ConfigError, loadConfig} from './config/index.ts';
import {ListenError} from './http/index.ts';
import {planProcess} from './roles.ts';
import {type Logger, makeLogger} from './telemetry/index.ts';

/** Everything must have ended this long after SIGTERM; what has not is left behind. */
const stopMsMax = 9_500;

/**
 * Listens to the operator's signals from before the server's first port opens: it answers, and may be told to stop, before
 * all of it stands. What is being built is then built to its end, and stopped.
 */
function handleSignals(starting: Promise<Application>, log: Logger): void {
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
		const stopped = starting.then((server) => server.stop());
		stopped.then(
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
		const reloaded = starting.then((server) => server.http.reloadCertificates());
		reloaded.then(
			(problems) => {
				for (const err of problems) log.error({err}, 'A certificate was not reloaded');
				log.info({}, problems.length === 0 ? 'Certificates read again' : 'Other certificates read again');
			},
			(error: unknown) => log.error({err: error}, 'Certificates not reloaded'),
		);
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

/** Tells the operator of a server without accounts how to make the first one. The link goes to the terminal, not into logs. */
async function printSetUpLink({services: {setUp, config}}: Application): Promise<void> {
	const token = await setUp.open();
	if (token !== undefined) {
		process.stderr.write(`
No account yet. Make the first administrator's here; the link works once:

    ${config.publicUrl}/setup/${token}

The server's name is ${config.serverName} and can never change once it is in use. To choose another, set server_name in
homeserver.yaml before the first account is made; to begin anew, stop the server and remove ${config.dataPath}.

`);
	}
}

async function start(): Promise<void> {
	const {values} = parseArgs({options: {config: {type: 'string', short: 'c'}}});
	const config = loadConfig(values.config);
	const log = makeLogger(config.log);
	handleBugs(log);
	const starting = begin(config, log);
	handleSignals(starting, log);
	await starting;
}

/** Builds the server, and tells the operator where it is. */
async function begin(config: Config, log: Logger): Promise<Application> {
	const application = await startApplication(config, log);
	log.info({addresses: application.http.addresses, serverName: config.serverName}, 'Listening');
	// The page is served by who serves clients.
	if (planProcess(config).serves.has('client')) await printSetUpLink(application);
	return application;
}

/** Starts the server that the command line names. What prevents it is told, and ends the process. */
export async function runProgram(): Promise<void> {
	try {
		await start();
	} catch (error) {
		// Wrong configuration and a port that is taken are news for the operator; anything else is a bug with a stack.
		const isForOperator = error instanceof ConfigError || error instanceof ListenError;
		process.stderr.write(`${isForOperator ? error.message : error instanceof Error ? error.stack : String(error)}\n`);
		process.exit(1);
	}
}
