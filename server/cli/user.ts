import {newOpaqueId, type UserId} from '../../crypto/index.ts';
import type {Services} from '../services.ts';
import {type Command, CommandError, type CommandLine, configOption, type Terminal} from './command.ts';
import {withServices} from './services.ts';

const generateOption = {generate: {type: 'boolean'}} as const;
const passwordUsage = 'The password is read from the terminal or from standard input; --generate makes and prints one.';

/** Makes an account. */
const userCreate: Command = {
	name: 'user create',
	usage: 'NAME [--admin] [--generate] [--config FILE]',
	summary: `Makes an account. ${passwordUsage}`,
	positionalsCount: 1,
	options: {...configOption, ...generateOption, admin: {type: 'boolean'}},
	run: (line, terminal) =>
		withServices(line, terminal, async ({accounts}) => {
			const userId = accounts.checkNewName(nameOf(line));
			if (await accounts.isNameTaken(userId)) {
				throw new CommandError(`${userId}: the name is taken`);
			}
			const password = await choosePassword(line, terminal);
			await accounts.register({userId, password: password.text, isAdmin: line.values['admin'] === true});
			terminal.print(`Made ${userId}`);
			printPassword(password, terminal);
		}),
};

/** Sets another password, and ends all sessions. */
const userResetPassword: Command = {
	name: 'user reset-password',
	usage: 'NAME [--keep-sessions] [--generate] [--config FILE]',
	summary: `Sets another password and signs out all devices. ${passwordUsage}`,
	positionalsCount: 1,
	options: {...configOption, ...generateOption, 'keep-sessions': {type: 'boolean'}},
	run: (line, terminal) =>
		withServices(line, terminal, async (services) => {
			const userId = await findUser(nameOf(line), services);
			const password = await choosePassword(line, terminal);
			await services.accounts.changePassword(userId, password.text, {
				endsOtherSessions: line.values['keep-sessions'] !== true,
			});
			terminal.print(`Changed the password of ${userId}`);
			printPassword(password, terminal);
		}),
};

/** Ends an account for good. */
const userDeactivate: Command = {
	name: 'user deactivate',
	usage: 'NAME [--erase] [--config FILE]',
	summary: 'Ends an account for good, and with --erase forgets what it wrote as far as possible. Nobody gets its name.',
	positionalsCount: 1,
	options: {...configOption, erase: {type: 'boolean'}},
	run: (line, terminal) =>
		withServices(line, terminal, async (services) => {
			const userId = await findUser(nameOf(line), services);
			await services.accounts.deactivate(userId, {erase: line.values['erase'] === true});
			terminal.print(`Deactivated ${userId}`);
		}),
};

/** The commands about accounts. */
export const userCommands: readonly Command[] = [userCreate, userResetPassword, userDeactivate];

function nameOf({positionals: [name = '']}: CommandLine): string {
	return name.startsWith('@') && !name.includes(':') ? name.slice(1) : name;
}

async function findUser(name: string, {accounts}: Services): Promise<UserId> {
	const userId = accounts.claimedUserId(name);
	const account = userId === undefined ? undefined : await accounts.find(userId);
	if (account === undefined) {
		throw new CommandError(`${name}: no such account`);
	}
	if (account.isDeactivated) {
		throw new CommandError(`${name}: the account is deactivated`);
	}
	return account.userId;
}

interface ChosenPassword {
	readonly text: string;
	readonly isGenerated: boolean;
}

async function choosePassword({values}: CommandLine, terminal: Terminal): Promise<ChosenPassword> {
	if (values['generate'] === true) {
		return {text: newOpaqueId(), isGenerated: true};
	}
	const text = await terminal.readSecret('Password: ');
	if (terminal.isInteractive && (await terminal.readSecret('Password again: ')) !== text) {
		throw new CommandError('The two passwords are not the same');
	}
	return {text, isGenerated: false};
}

function printPassword({text, isGenerated}: ChosenPassword, terminal: Terminal): void {
	if (isGenerated) {
		terminal.print(`Password: ${text}`);
	}
}
