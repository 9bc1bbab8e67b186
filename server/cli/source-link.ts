import {isUserId, type UserId} from '../../crypto/index.ts';
import {CONSOLE} from '../audit/index.ts';
import {type Command, CommandError, type CommandLine, configOption} from './command.ts';
import {withServices} from './services.ts';

/** Makes a link by which a source gets an account. */
const sourceLinkCreate: Command = {
	name: 'source-link create',
	usage:
		'NAME --for USER [--with USER,USER] [--uses COUNT] [--days COUNT] [--account-days COUNT] [--silence-days COUNT]' +
		' [--federates] [--config FILE]',
	summary:
		'Makes a link by which a source gets an account for one encrypted room with these people, and prints it, this once.',
	positionalsCount: 1,
	options: {
		...configOption,
		for: {type: 'string'},
		with: {type: 'string'},
		uses: {type: 'string'},
		days: {type: 'string'},
		'account-days': {type: 'string'},
		'silence-days': {type: 'string'},
		federates: {type: 'boolean'},
	},
	run: (line, terminal) =>
		withServices(line, terminal, async ({accounts, sourceLinks}) => {
			const toUserId = (name: string): UserId => {
				if (isUserId(name)) return name;
				const userId = accounts.claimedUserId(name);
				if (userId === undefined) throw new CommandError(`${name}: expected a user name or a user id`);
				return userId;
			};
			const {for: owner, with: members} = line.values;
			if (typeof owner !== 'string') throw new CommandError('--for: missing, expected whose link it is');
			const ownerId = toUserId(owner);
			const wish = {
				name: line.positionals[0] ?? '',
				members: typeof members === 'string' ? members.split(',').map((name) => toUserId(name.trim())) : [],
				uses: readCount(line, 'uses'),
				days: readCount(line, 'days'),
				accountDays: readCount(line, 'account-days'),
				silenceDays: readCount(line, 'silence-days'),
				federates: line.values['federates'] === true,
			};
			const {url, expiresTs} = await sourceLinks.create(ownerId, wish, CONSOLE);
			terminal.print(url);
			terminal.printError(`It can be opened until ${new Date(expiresTs).toISOString().slice(0, 10)}`);
		}),
};

/** The commands about source links. */
export const sourceLinkCommands: readonly Command[] = [sourceLinkCreate];

function readCount({values}: CommandLine, name: string): number | undefined {
	const text = values[name];
	if (text === undefined) return undefined;
	if (typeof text !== 'string' || !/^[1-9]\d{0,4}$/.test(text)) {
		throw new CommandError(`--${name}: expected a whole number from 1 to 99999`);
	}
	return Number(text);
}
