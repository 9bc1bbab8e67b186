import {type ParseArgsConfig, parseArgs} from 'node:util';

/** Where a command reads and writes; tests hand in their own. */
export interface Terminal {
	print(text: string): void;
	printError(text: string): void;
	/** Reads what is typed, without showing it, or the next line of what is piped in: passwords are no arguments. */
	readSecret(prompt: string): Promise<string>;
	/** Whether somebody types: then a new secret is asked for twice. */
	readonly isInteractive: boolean;
	readonly environment: NodeJS.ProcessEnv;
}

/** What a command was given. */
export interface CommandLine {
	readonly positionals: readonly string[];
	readonly values: Readonly<Record<string, string | boolean | undefined>>;
}

/** One command of the program. */
export interface Command {
	/** As it is typed: `config check`. */
	readonly name: string;
	/** What follows the name: `NAME [--admin]`. */
	readonly usage: string;
	/** What it does, in one line. */
	readonly summary: string;
	readonly positionalsCount: number;
	readonly options: Readonly<Record<string, {readonly type: 'string' | 'boolean'}>>;
	/** @returns the exit status */
	run(line: CommandLine, terminal: Terminal): Promise<number>;
}

/** Every command names its configuration in the same way. */
export const configOption = {config: {type: 'string'}} as const;

/** The command could not do what it was asked; the message is for the operator. */
export class CommandError extends Error {
	override readonly name = 'CommandError';
}

/** The command line is not one that the program understands; the message says what would be. */
export class UsageError extends Error {
	override readonly name = 'UsageError';
}

/**
 * Finds the command that the arguments name, and reads the rest of them.
 * @throws UsageError
 */
export function readCommandLine(
	commands: readonly Command[],
	argv: readonly string[],
): {readonly command: Command; readonly line: CommandLine} {
	const command = commands.find(({name}) => name.split(' ').every((word, index) => argv[index] === word));
	if (command === undefined) {
		throw new UsageError(helpText(commands));
	}
	const usage = `Usage: broadsheet ${command.name} ${command.usage}`.trimEnd();
	const args = argv.slice(command.name.split(' ').length);
	const config: ParseArgsConfig = {args, options: command.options, allowPositionals: true, strict: true};
	let line: CommandLine;
	try {
		const {positionals, values} = parseArgs(config);
		line = {positionals, values: values as CommandLine['values']};
	} catch (cause) {
		throw new UsageError(`${cause instanceof Error ? cause.message : ''}\n${usage}`, {cause});
	}
	if (line.positionals.length !== command.positionalsCount) {
		throw new UsageError(usage);
	}
	return {command, line};
}

/** What the program can do. */
export function helpText(commands: readonly Command[]): string {
	const rows = commands.map(({name, usage, summary}) => `  broadsheet ${name} ${usage}\n      ${summary}`);
	return `Commands:\n${rows.join('\n')}`;
}
