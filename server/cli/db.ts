import {mkdirSync} from 'node:fs';
import {openStorage} from '../../storage/index.ts';
import {CONSOLE, toEntry} from '../audit/index.ts';
import {databaseUrl, loadConfig} from '../config/index.ts';
import {type Command, configOption} from './command.ts';

/** Brings the database to this program's schema, as starting the server would; for those who migrate before they start. */
const dbMigrate: Command = {
	name: 'db migrate',
	usage: '[--config FILE]',
	summary: 'Makes the database, or brings it to the schema of this version. The server does so itself when it starts.',
	positionalsCount: 0,
	options: configOption,
	async run({values}, terminal) {
		const config = loadConfig(
			typeof values['config'] === 'string' ? values['config'] : undefined,
			terminal.environment,
		);
		mkdirSync(config.dataPath, {recursive: true, mode: 0o700});
		const storage = await openStorage({
			url: databaseUrl(config.database),
			serverName: config.serverName,
			onProblem: (problem) => terminal.printError(problem.message),
		});
		const batch = storage.batch();
		storage.audit.append(batch, toEntry({who: CONSOLE, act: 'migrate-database'}, Date.now()));
		await storage.commit(batch);
		terminal.print(`The database of ${config.serverName} (${storage.dialect}) has the schema of this version.`);
		await storage.close();
		return 0;
	},
};

/** The commands about the database. */
export const dbCommands: readonly Command[] = [dbMigrate];
