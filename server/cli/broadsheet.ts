#!/usr/bin/env node
import {StorageError} from '../../storage/index.ts';
import {ConfigError} from '../config/index.ts';
import {type Command, CommandError, readCommandLine, UsageError} from './command.ts';
import {configCheck} from './config-check.ts';
import {dbCommands} from './db.ts';
import {processTerminal} from './terminal.ts';
import {tokenCommands} from './token.ts';
import {userCommands} from './user.ts';

/** Every command of the program. */
const commands: readonly Command[] = [configCheck, ...dbCommands, ...tokenCommands, ...userCommands];

try {
	const {command, line} = readCommandLine(commands, process.argv.slice(2));
	process.exitCode = await command.run(line, processTerminal());
} catch (error) {
	const isForOperator = [CommandError, ConfigError, StorageError, UsageError].some((kind) => error instanceof kind);
	const text = error instanceof Error ? (isForOperator ? error.message : error.stack) : String(error);
	process.stderr.write(`${text}\n`);
	process.exitCode = error instanceof UsageError ? 2 : 1;
}
