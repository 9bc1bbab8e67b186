/** The command line of the load program. */
import {parseArgs} from 'node:util';

/** What was asked for; everything has a bound. */
export interface Options {
	/** Ids of scenarios; empty: all of them. */
	readonly scenarios: readonly string[];
	/** A homeserver that runs already; undefined: start our own. */
	readonly url: string | undefined;
	/** The process whose CPU, memory and writes are counted. */
	readonly pid: number | undefined;
	/** A second homeserver that federates with the first, for the scenario `federation`, and its process. */
	readonly partnerUrl: string | undefined;
	readonly partnerPid: number | undefined;
	/** For registration by shared secret; without it registration must be open. */
	readonly sharedSecret: string | undefined;
	/** Replaces the numbers of senders in the scenario `send`. */
	readonly senders: readonly number[] | undefined;
	/** At most so many operations in a measurement. */
	readonly operationsMax: number;
	/** At most so many seconds in a measurement. */
	readonly secondsMax: number;
	/** The whole run ends after so many seconds, come what may. */
	readonly deadlineSeconds: number;
	/** Where the figures go as JSON: a file, `-` for standard output, undefined for none. */
	readonly json: string | undefined;
	/** An URL of PostgreSQL for our own server; undefined: SQLite. */
	readonly database: string | undefined;
	readonly isHelpWanted: boolean;
}

export const USAGE = `npm run bench -- [scenario …] [options]

  --url URL             a homeserver that runs already, on a loopback address (default: start ours)
  --pid PID             its process, for CPU seconds, memory and bytes written
  --partner-url URL     a second one that federates with it, for the scenario 'federation'
  --partner-pid PID     its process
  --shared-secret TEXT  their registration shared secret (default: open registration)
  --database URL        PostgreSQL for our own server (default: SQLite)
  --senders N[,N…]      senders of the scenario 'send' (default: 1,16,64)
  --operations N        at most so many operations in each measurement (default: 4000)
  --seconds N           at most so many seconds in each measurement (default: 20)
  --deadline N          the run ends after so many seconds, come what may (default: 900)
  --json FILE           write the figures as JSON too; '-' prints JSON alone
  --help                this text, and the scenarios`;

/** Reads the command line. @throws a plain Error in words for the user. */
export function readOptions(args: readonly string[]): Options {
	const {values, positionals} = parseArgs({
		args: [...args],
		allowPositionals: true,
		options: {
			url: {type: 'string'},
			pid: {type: 'string'},
			'partner-url': {type: 'string'},
			'partner-pid': {type: 'string'},
			'shared-secret': {type: 'string'},
			database: {type: 'string'},
			senders: {type: 'string'},
			operations: {type: 'string', default: '4000'},
			seconds: {type: 'string', default: '20'},
			deadline: {type: 'string', default: '900'},
			json: {type: 'string'},
			help: {type: 'boolean', default: false},
		},
	});
	return {
		scenarios: positionals,
		url: values.url === undefined ? undefined : readLoopbackUrl('url', values.url),
		pid: values.pid === undefined ? undefined : readCount('pid', values.pid),
		partnerUrl: values['partner-url'] === undefined ? undefined : readLoopbackUrl('partner-url', values['partner-url']),
		partnerPid: values['partner-pid'] === undefined ? undefined : readCount('partner-pid', values['partner-pid']),
		sharedSecret: values['shared-secret'],
		senders: values.senders?.split(',').map((text) => readCount('senders', text, 1_000)),
		operationsMax: readCount('operations', values.operations, 1_000_000),
		secondsMax: readCount('seconds', values.seconds, 3_600),
		deadlineSeconds: readCount('deadline', values.deadline, 24 * 3_600),
		json: values.json,
		database: values.database,
		isHelpWanted: values.help,
	};
}

function readCount(name: string, text: string, maximum = Number.MAX_SAFE_INTEGER): number {
	const count = Number(text);
	if (Number.isInteger(count) && count >= 1 && count <= maximum) return count;
	throw new Error(`--${name}: expected an integer from 1 to ${maximum}, got ${text}`);
}

/** Load is only ever put on this machine: nobody's server is hit by mistake. */
function readLoopbackUrl(name: string, text: string): string {
	const url = new URL(text);
	if (url.hostname === 'localhost' || /^127(?:\.\d+){3}$/.test(url.hostname) || url.hostname === '[::1]') {
		return url.origin;
	}
	throw new Error(`--${name}: expected a loopback address, got ${url.hostname}`);
}
