#!/usr/bin/env node
import {createInterface} from 'node:readline/promises';
import {ConfigError} from '../config/index.ts';
import {type Command, readCommandLine, type Terminal, UsageError} from './command.ts';
import {configCheck} from './config-check.ts';

/** Every command of the program. */
const commands: readonly Command[] = [configCheck];

const terminal: Terminal = {
	print: (text) => {
		process.stdout.write(`${text}\n`);
	},
	async readLine() {
		const lines = createInterface({input: process.stdin, output: process.stderr, terminal: false});
		for await (const line of lines) {
			return line;
		}
		return '';
	},
	environment: process.env,
};

try {
	const {command, line} = readCommandLine(commands, process.argv.slice(2));
	process.exitCode = await command.run(line, terminal);
} catch (error) {
	const isForOperator = error instanceof UsageError || error instanceof ConfigError;
	process.stderr.write(`${isForOperator ? error.message : error instanceof Error ? error.stack : String(error)}\n`);
	process.exitCode = error instanceof UsageError ? 2 : 1;
}
