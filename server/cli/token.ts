import {CONSOLE} from '../audit/index.ts';
import {type Command, CommandError, configOption} from './command.ts';
import {withServices} from './services.ts';

const dayMs = 86_400_000;

/** Makes a token that lets people register. */
const tokenCreate: Command = {
	name: 'token create',
	usage: 'LABEL [--uses COUNT|unlimited] [--days COUNT] [--admin] [--config FILE]',
	summary: 'Makes a registration token and prints it, this once: by default for one account, within 7 days.',
	positionalsCount: 1,
	options: {...configOption, uses: {type: 'string'}, days: {type: 'string'}, admin: {type: 'boolean'}},
	async run(line, terminal) {
		const {uses = '1', days = '7', admin} = line.values;
		const usesAllowed = uses === 'unlimited' ? null : readCount('uses', uses);
		const lifetimeMs = readCount('days', days) * dayMs;
		return withServices(line, terminal, async ({accounts, audit, config}) => {
			const name = line.positionals[0] ?? '';
			const makesAdmin = admin === true;
			const token = await accounts.createRegistrationToken({
				name,
				usesAllowed,
				expiresTs: Date.now() + lifetimeMs,
				makesAdmin,
				alsoWrite: (batch) =>
					audit.note(batch, {
						who: CONSOLE,
						act: 'create-token',
						whom: name,
						details: {uses_allowed: usesAllowed, admin: makesAdmin},
					}),
			});
			terminal.print(token);
			if (config.registration !== 'token') {
				terminal.printError(`Of use only with registration: token; it is ${config.registration} now`);
			}
		});
	},
};

/** The commands about registration tokens. */
export const tokenCommands: readonly Command[] = [tokenCreate];

function readCount(name: string, text: string | boolean): number {
	if (typeof text !== 'string' || !/^[1-9]\d{0,5}$/.test(text)) {
		throw new CommandError(`--${name}: expected a whole number from 1 to 999999`);
	}
	return Number(text);
}
