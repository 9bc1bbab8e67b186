import {type DestinationStream, type Logger as PinoLogger, pino} from 'pino';
import type {Config} from '../config/index.ts';

/** The server's log. Fields never hold tokens, passwords, addresses or message contents. */
export type Logger = PinoLogger;

/** Keys whose values never reach the log, wherever they turn up: a second line of defence, not a licence. */
const redactedKeys = [
	'password',
	'token',
	'access_token',
	'refresh_token',
	'authorization',
	'secret',
	'body',
	'content',
];

const namesOfLevels: Readonly<Record<number, string>> = {
	10: 'trace',
	20: 'debug',
	30: 'info',
	40: 'warn',
	50: 'error',
	60: 'fatal',
};

/** Makes the log: JSON lines on standard output, or lines for people. */
export function makeLogger({level, format}: Config['log']): Logger {
	return pino(
		{
			level,
			base: undefined,
			timestamp: pino.stdTimeFunctions.isoTime,
			formatters: {level: (label) => ({level: label})},
			redact: {paths: [...redactedKeys, ...redactedKeys.map((key) => `*.${key}`)], censor: '[removed]'},
		},
		format === 'pretty' ? prettyStream : pino.destination({dest: 1, sync: true}),
	);
}

const prettyStream: DestinationStream = {
	write(line) {
		const {level, time, msg, ...fields} = JSON.parse(line) as Record<string, unknown>;
		const name = typeof level === 'number' ? (namesOfLevels[level] ?? String(level)) : String(level);
		const rest = Object.keys(fields).length === 0 ? '' : ` ${JSON.stringify(fields)}`;
		process.stdout.write(`${String(time).slice(11, 23)} ${name.padEnd(5)} ${String(msg)}${rest}\n`);
	},
};
