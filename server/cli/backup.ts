import {systemRandom} from '../../federation/engine/index.ts';
import {lookAtDatabase, StorageError} from '../../storage/index.ts';
import {CONSOLE} from '../audit/index.ts';
import {backUp, restore, type Restored} from '../backup/index.ts';
import {type Config, databaseUrl, loadConfig} from '../config/index.ts';
import {type Command, CommandError, configOption, type Terminal} from './command.ts';
import {recordAct} from './record.ts';

const MEBIBYTE = 1 << 20;

/** Says how large something is. */
const sizeOf = (bytes: number): string =>
	bytes < MEBIBYTE ? `${Math.ceil(bytes / 1024)} KiB` : `${Math.ceil(bytes / MEBIBYTE)} MiB`;

/** Tells the operator of files that cannot be read or written without a trace of where in the program that was. */
async function onDisk<T>(task: () => Promise<T>): Promise<T> {
	try {
		return await task();
	} catch (error) {
		if (error instanceof Error && 'syscall' in error) throw new CommandError(error.message, {cause: error});
		throw error;
	}
}

const configOf = (value: string | boolean | undefined, {environment}: Terminal) =>
	loadConfig(typeof value === 'string' ? value : undefined, environment);

/** Has the audit log say that everything is taken out, before it is: so the backup holds that, too. */
async function noteBackup(config: Config, terminal: Terminal): Promise<void> {
	// What is wrong with an address is said when the backup itself looks there.
	if ((await lookAtDatabase(databaseUrl(config.database))) === 'absent') return;
	try {
		await recordAct(config, {act: 'back-up-server'});
	} catch (error) {
		if (!(error instanceof StorageError) || error.code !== 'too_old') throw error;
		// Before an upgrade a backup matters more than what is written about it.
		terminal.printError(
			'The audit log does not tell of this backup: the database has the schema of an earlier version',
		);
	}
}

/** Writes all that a server is into one file. */
const backupCommand: Command = {
	name: 'backup',
	usage: 'FILE [--config FILE]',
	summary:
		'Writes database, media and signing keys into one file and reads it back, beside the running server. Keep it secret.',
	positionalsCount: 1,
	options: configOption,
	async run({positionals: [file = ''], values}, terminal) {
		const config = configOf(values['config'], terminal);
		const random = (sizeBytes: number): Uint8Array => systemRandom.bytes(sizeBytes);
		await noteBackup(config, terminal);
		const {contents} = await onDisk(() => backUp({config, file, nowTs: Date.now(), random}));
		const {files, media} = contents;
		const bytes = files.reduce((sum, {sizeBytes}) => sum + sizeBytes, 0);
		terminal.print(`The backup of ${config.serverName} is ${file}.`);
		terminal.print(`  database and keys  ${sizeOf(bytes)}`);
		terminal.print(`  media              ${media.count} files, ${sizeOf(media.bytes)}`);
		if (media.missing > 0) {
			terminal.printError(`${media.missing} media were removed while the backup was made, or were not there before`);
		}
		return 0;
	},
};

/** Puts a backup in the place of a server that is gone. */
const restoreCommand: Command = {
	name: 'restore',
	usage: 'FILE [--replace] [--config FILE]',
	summary: 'Checks a backup and puts it where the configuration says; --replace sets aside what is there.',
	positionalsCount: 1,
	options: {...configOption, replace: {type: 'boolean'}},
	async run({positionals: [file = ''], values}, terminal) {
		const config = configOf(values['config'], terminal);
		const replaces = values['replace'] === true;
		const random = (sizeBytes: number): Uint8Array => systemRandom.bytes(sizeBytes);
		const restored = await onDisk(() => restore({config, file, replaces, nowTs: Date.now(), random, by: CONSOLE}));
		printRestored(restored, terminal);
		return 0;
	},
};

const KEYS: Readonly<Record<Restored['keys'], string>> = {
	restored: 'those of the backup',
	same: 'those that were there are the same',
	kept: 'those that were there are newer, and stay',
};

/** Writes a path so that a shell takes it as one word, whatever is in it. */
const quote = (path: string): string => `'${path.replaceAll("'", `'\\''`)}'`;

function printRestored({head, contents, revival, keys, setAside}: Restored, terminal: Terminal): void {
	terminal.print(`${head.serverName} is restored as it was at ${new Date(head.madeTs).toISOString()}.`);
	terminal.print(`  media          ${contents.media.count} files`);
	terminal.print(`  signing keys   ${KEYS[keys]}`);
	terminal.print(`  one-time keys  ${revival.oneTimeKeys} dropped; devices bring new ones when they are next online`);
	terminal.print(`  device lists   of ${revival.localUsers} people are announced anew`);
	for (const path of setAside) terminal.print(`  set aside      ${path}`);
	terminal.print('Start the server. Who signed in since the backup was made must do so again.');
	if (setAside.length > 0) {
		terminal.print(
			'What was set aside is the server as it was before, with whatever has been erased since: it stays until you remove it. Once this one serves as it should:',
		);
		terminal.print(`  rm -- ${setAside.map(quote).join(' ')}`);
	}
}

/** The commands about backups. */
export const backupCommands: readonly Command[] = [backupCommand, restoreCommand];
