import {loadConfig} from '../config/index.ts';
import {examine, type Finding} from '../doctor/index.ts';
import {type Command, configOption} from './command.ts';

/** Columns of the words that a line begins with. */
const STATUS_WIDTH = 8;
const CHECK_WIDTH = 15;

const lineOf = ({check, status, text, advice}: Finding): string =>
	`${status.padEnd(STATUS_WIDTH)} ${check.padEnd(CHECK_WIDTH)} ${text}${advice === undefined ? '' : `. What to do: ${advice}`}`;

/** Examines the server. */
export const doctorCommand: Command = {
	name: 'doctor',
	usage: '[--partner SERVER] [--json] [--config FILE]',
	summary:
		'Examines disk, database, keys, certificates, DNS, federation in both directions and the clock; status 1 if bad.',
	positionalsCount: 0,
	options: {...configOption, partner: {type: 'string'}, json: {type: 'boolean'}},
	async run({values}, terminal) {
		const config = loadConfig(
			typeof values['config'] === 'string' ? values['config'] : undefined,
			terminal.environment,
		);
		const partner = typeof values['partner'] === 'string' ? values['partner'] : undefined;
		const findings: Finding[] = [];
		for await (const finding of examine({config, partner, now: () => Date.now()})) {
			findings.push(finding);
			if (values['json'] !== true) terminal.print(lineOf(finding));
		}
		if (values['json'] === true) terminal.print(JSON.stringify(findings, null, '\t'));
		return findings.some(({status}) => status === 'bad') ? 1 : 0;
	},
};
