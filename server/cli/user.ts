import {createWriteStream} from 'node:fs';
import {open, rename, unlink} from 'node:fs/promises';
import type {Writable} from 'node:stream';
import {newOpaqueId, type UserId} from '../../crypto/index.ts';
import type {Batch} from '../../storage/index.ts';
import {CONSOLE} from '../audit/index.ts';
import {SecondFactorError} from '../second-factor/index.ts';
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
		withServices(line, terminal, async ({accounts, audit}) => {
			const userId = accounts.checkNewName(nameOf(line));
			if (await accounts.isNameTaken(userId)) {
				throw new CommandError(`${userId}: the name is taken`);
			}
			const password = await choosePassword(line, terminal);
			const isAdmin = line.values['admin'] === true;
			await accounts.register({
				userId,
				password: password.text,
				isAdmin,
				alsoWrite: (batch) =>
					audit.note(batch, {who: CONSOLE, act: 'create-account', whom: userId, details: {admin: isAdmin}}),
			});
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
			const endsOtherSessions = line.values['keep-sessions'] !== true;
			await services.accounts.changePassword(userId, password.text, {
				endsOtherSessions,
				alsoWrite: (batch) =>
					services.audit.note(batch, {
						who: CONSOLE,
						act: 'set-password',
						whom: userId,
						details: {logout_devices: endsOtherSessions},
					}),
			});
			terminal.print(`Changed the password of ${userId}`);
			printPassword(password, terminal);
		}),
};

/** Removes what somebody signs in by beside a password. */
const userRemoveFactors: Command = {
	name: 'user remove-factors',
	usage: 'NAME [--config FILE]',
	summary:
		'Removes code generator, recovery codes and passkeys of somebody who has lost them. Make sure that it is they.',
	positionalsCount: 1,
	options: configOption,
	run: (line, terminal) =>
		withServices(line, terminal, async (services) => {
			const userId = await findUser(nameOf(line), services);
			await services.secondFactor.removeAll(userId, (batch) =>
				services.audit.note(batch, {who: CONSOLE, act: 'remove-factors', whom: userId}),
			);
			terminal.print(`Removed the second factors of ${userId}`);
		}),
};

/** Vouches for somebody who sets up the second factor that they must have. */
const userFactorCode: Command = {
	name: 'user factor-code',
	usage: 'NAME [--config FILE]',
	summary:
		'Makes a code by which somebody without a second factor sets one up, or approves a session. Make sure that it is they.',
	positionalsCount: 1,
	options: configOption,
	run: (line, terminal) =>
		withServices(line, terminal, async ({secondFactor, audit, ...services}) => {
			const userId = await findUser(nameOf(line), services);
			const alsoWrite = (batch: Batch) => audit.note(batch, {who: CONSOLE, act: 'create-factor-code', whom: userId});
			try {
				terminal.print(`Code: ${await secondFactor.createCodeByAdministrator(userId, alsoWrite)}`);
			} catch (cause) {
				if (!(cause instanceof SecondFactorError)) throw cause;
				throw new CommandError(`${userId}: ${cause.message}`, {cause});
			}
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
			const erase = line.values['erase'] === true;
			await services.accounts.deactivate(userId, {
				erase,
				alsoWrite: (batch) =>
					services.audit.note(batch, {who: CONSOLE, act: 'deactivate-account', whom: userId, details: {erase}}),
			});
			terminal.print(`Deactivated ${userId}`);
		}),
};

/** Makes somebody an administrator, or takes that from them: what no other administrator can do. */
const createAdminCommand = (name: string, isAdmin: boolean, summary: string, told: string): Command => ({
	name,
	usage: 'NAME [--config FILE]',
	summary,
	positionalsCount: 1,
	options: configOption,
	run: (line, terminal) =>
		withServices(line, terminal, async (services) => {
			const userId = await findUser(nameOf(line), services);
			await services.administration.people.setAdmin(CONSOLE, userId, isAdmin);
			terminal.print(`${userId} ${told}`);
		}),
});

const userPromote = createAdminCommand(
	'user promote',
	true,
	'Makes somebody an administrator.',
	'is an administrator now',
);

const userDemote = createAdminCommand(
	'user demote',
	false,
	'Takes the rights of an administrator from somebody; nobody else can.',
	'is no administrator',
);

/** Gives a person all that is theirs. */
const userExport: Command = {
	name: 'user export',
	usage: 'NAME --output FILE.zip [--config FILE]',
	summary: 'Writes all that is kept of somebody, and is theirs, into a zip. It is for them alone: it is not encrypted.',
	positionalsCount: 1,
	options: {...configOption, output: {type: 'string'}},
	run: (line, terminal) =>
		withServices(line, terminal, async (services) => {
			const {output} = line.values;
			if (typeof output !== 'string' || output === '') throw new CommandError('--output: missing, expected a file');
			const userId = await findUser(nameOf(line), services);
			await services.audit.record({who: CONSOLE, act: 'export-account', whom: userId});
			const {rooms, events, media, missing} = await writeWhole(output, (sink) =>
				services.personalData.write(userId, sink),
			);
			terminal.print(`What is kept of ${userId} is in ${output}: ${events} events of ${rooms} rooms, ${media} files`);
			if (missing > 0) terminal.printError(`${missing} files were not there`);
		}),
};

/** Writes a file that has its name only once it is whole, and that nobody else may read. An older one is not replaced. */
async function writeWhole<T>(path: string, write: (sink: Writable) => Promise<T>): Promise<T> {
	const partial = `${path}.partial`;
	try {
		// Taken first, so that of two who write there one is told.
		await (await open(path, 'wx', 0o600)).close();
		try {
			const written = await write(createWriteStream(partial, {flags: 'wx', mode: 0o600, flush: true}));
			await rename(partial, path);
			return written;
		} catch (error) {
			await Promise.all([path, partial].map((file) => unlink(file).catch(() => undefined)));
			throw error;
		}
	} catch (error) {
		if (error instanceof Error && 'syscall' in error) throw new CommandError(error.message, {cause: error});
		throw error;
	}
}

/** The commands about accounts. */
export const userCommands: readonly Command[] = [
	userCreate,
	userResetPassword,
	userRemoveFactors,
	userFactorCode,
	userPromote,
	userDemote,
	userDeactivate,
	userExport,
];

function nameOf({positionals: [name = '']}: CommandLine): string {
	return name.startsWith('@') && !name.includes(':') ? name.slice(1) : name;
}

async function findUser(name: string, {accounts}: Pick<Services, 'accounts'>): Promise<UserId> {
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
