#!/usr/bin/env node
import {SigningKeyError} from '../../crypto/index.ts';
import {StorageError} from '../../storage/index.ts';
import {BackupError} from '../backup/index.ts';
import {ConfigError} from '../config/index.ts';
import {MediaError} from '../media/index.ts';
import {auditCommands} from './audit.ts';
import {backupCommands} from './backup.ts';
import {type Command, CommandError, readCommandLine, UsageError} from './command.ts';
import {configCheck} from './config-check.ts';
import {dbCommands} from './db.ts';
import {doctorCommand} from './doctor.ts';
import {keyCommands} from './keys.ts';
import {sourceLinkCommands} from './source-link.ts';
import {processTerminal} from './terminal.ts';
import {tokenCommands} from './token.ts';
import {userCommands} from './user.ts';

/** Every command of the program. */
const commands: readonly Command[] = [
	configCheck,
	...auditCommands,
	...backupCommands,
	...dbCommands,
	doctorCommand,
	...keyCommands,
	...sourceLinkCommands,
	...tokenCommands,
	...userCommands,
];

/** Errors whose message says to the operator what to do; of all others the place in the program is told. */
const operatorErrors = [BackupError, CommandError, ConfigError, MediaError, SigningKeyError, StorageError, UsageError];

try {
	const {command, line} = readCommandLine(commands, process.argv.slice(2));
	process.exitCode = await command.run(line, processTerminal());
} catch (error) {
	const isForOperator = operatorErrors.some((kind) => error instanceof kind);
	const text = error instanceof Error ? (isForOperator ? error.message : error.stack) : String(error);
	process.stderr.write(`${text}\n`);
	process.exitCode = error instanceof UsageError ? 2 : 1;
}
