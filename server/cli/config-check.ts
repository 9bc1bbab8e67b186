import {existsSync} from 'node:fs';
import {defaultConfigFile, loadConfig} from '../config/index.ts';
import {planProcess, roleTable} from '../roles.ts';
import {type Command, configOption} from './command.ts';

/** Says what a server with this configuration would do, without starting one. */
export const configCheck: Command = {
	name: 'config check',
	usage: '[--config FILE]',
	summary: 'Checks the configuration and says what it means.',
	positionalsCount: 0,
	options: configOption,
	async run({values}, terminal) {
		const file = typeof values['config'] === 'string' ? values['config'] : undefined;
		const config = loadConfig(file, terminal.environment);
		const plan = planProcess(config);
		const name = file ?? (existsSync(defaultConfigFile) ? defaultConfigFile : 'no file, all defaults');
		terminal.print(`The configuration is good (${name}).`);
		terminal.print(`  server name   ${config.serverName}`);
		terminal.print(`  clients at    ${config.publicUrl}`);
		for (const {address, port, path, tls, serves} of config.listeners) {
			const where = path ?? `${address} port ${port}`;
			terminal.print(`  listens on    ${where}${tls === undefined ? '' : ' with TLS'} for ${serves.join(', ')}`);
		}
		// A URL of a database holds its password.
		const database = config.database.kind === 'sqlite' ? config.database.path : 'PostgreSQL';
		terminal.print(`  database      ${database}`);
		if (!config.roles.includes('all')) {
			for (const role of plan.roles) terminal.print(`  role          ${role}: ${roleTable[role].does}`);
		}
		terminal.print(`  registration  ${config.registration}`);
		terminal.print(`  federation    ${config.federation.mode}`);
		return 0;
	},
};
