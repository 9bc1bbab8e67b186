import type {RandomBytes} from '../../crypto/index.ts';
import type {Storage} from '../../storage/index.ts';
import type {Accounts, PasswordDirectory} from '../accounts/index.ts';
import type {Config} from '../config/index.ts';
import {createPasswordDirectory} from '../identity-providers/index.ts';
import type {Logger} from '../telemetry/index.ts';

/** Builds what asks directories about passwords; `accounts` is asked for when somebody new comes. */
export function wirePasswordDirectory(
	{identityProviders: providers}: Config,
	storage: Storage,
	{
		random,
		log,
		accounts,
	}: {readonly random: RandomBytes; readonly log: Pick<Logger, 'warn'>; readonly accounts: () => Accounts},
): PasswordDirectory {
	return createPasswordDirectory({
		storage,
		providers,
		random,
		register: (registration) => accounts().register(registration),
		onProblem: (problem) => log.warn({err: problem}, 'A directory could not be asked about a password'),
	});
}
