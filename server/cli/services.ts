import {loadConfig} from '../config/index.ts';
import type {Services} from '../services.ts';
import {type CommandLine, CommandError, type Terminal} from './command.ts';

/**
 * Does a task with this configuration's domains, on its database. The server may be running beside it: it learns of
 * every change by the stream, within half a second.
 * @throws CommandError for what a domain refuses
 */
export async function withServices(
	{values}: CommandLine,
	terminal: Terminal,
	task: (services: Services) => Promise<void>,
): Promise<0> {
	const config = loadConfig(typeof values['config'] === 'string' ? values['config'] : undefined, terminal.environment);
	// Most of the program, which whoever mistyped need not wait for.
	const {openServices} = await import('../open-services.ts');
	const {AccountsError} = await import('../accounts/index.ts');
	const {SourceLinksError} = await import('../source-links/index.ts');
	const opened = await openServices(config, {
		log: {info: () => undefined, warn: () => undefined},
		onProblem: (problem) => terminal.printError(problem.message),
	});
	try {
		await task(opened.services);
		return 0;
	} catch (error) {
		throw error instanceof AccountsError || error instanceof SourceLinksError
			? new CommandError(error.message, {cause: error})
			: error;
	} finally {
		await opened.close();
	}
}
