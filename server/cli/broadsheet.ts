#!/usr/bin/env node
import {SigningKeyError} from '../../crypto/index.ts';
import {StorageError} from '../../storage/index.ts';
import {ConfigError} from '../config/index.ts';
import {type Command, CommandError, readCommandLine, UsageError} from './command.ts';
import {processTerminal} from './terminal.ts';

/** The commands that begin with a word. Most of the program is behind one command or another: only what is asked for is loaded. */
const groups = {
	config: async () => [(await import('./config-check.ts')).configCheck],
	audit: async () => (await import('./audit.ts')).auditCommands,
	backup: async () => (await import('./backup.ts')).backupCommands,
	restore: async () => (await import('./backup.ts')).backupCommands,
	db: async () => (await import('./db.ts')).dbCommands,
	doctor: async () => [(await import('./doctor.ts')).doctorCommand],
	key: async () => (await import('./keys.ts')).keyCommands,
	'source-link': async () => (await import('./source-link.ts')).sourceLinkCommands,
	token: async () => (await import('./token.ts')).tokenCommands,
	user: async () => (await import('./user.ts')).userCommands,
} satisfies Readonly<Record<string, () => Promise<readonly Command[]>>>;

/** Gives the commands that an argument may begin; all of them where it begins none, for help. */
async function loadCommands(word: string | undefined): Promise<readonly Command[]> {
	const names = Object.keys(groups) as (keyof typeof groups)[];
	const wanted = names.filter((name) => name === word);
	const found = await Promise.all((wanted.length === 0 ? names : wanted).map((name) => groups[name]()));
	return found.flat();
}

/** Errors whose message says to the operator what to do. */
const operatorErrors = [CommandError, ConfigError, SigningKeyError, StorageError, UsageError];

/** Whether an error's message says to the operator what to do; of all others the place in the program is told. */
async function isForOperator(error: Error): Promise<boolean> {
	if (operatorErrors.some((kind) => error instanceof kind)) return true;
	// The commands that meet these have loaded them.
	const {BackupError} = await import('../backup/index.ts');
	const {MediaError} = await import('../media/index.ts');
	return error instanceof BackupError || error instanceof MediaError;
}

try {
	const argv = process.argv.slice(2);
	const {command, line} = readCommandLine(await loadCommands(argv[0]), argv);
	process.exitCode = await command.run(line, processTerminal());
} catch (error) {
	const text = error instanceof Error ? ((await isForOperator(error)) ? error.message : error.stack) : String(error);
	process.stderr.write(`${text}\n`);
	process.exitCode = error instanceof UsageError ? 2 : 1;
}
