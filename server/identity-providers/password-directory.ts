import {localpartOf, newOpaqueId, type RandomBytes, type UserId} from '../../crypto/index.ts';
import {type Batch, DuplicateError, type IdentityRow, type Storage} from '../../storage/index.ts';
import {type Accounts, AccountsError, type PasswordDirectory} from '../accounts/index.ts';
import type {IdentityProviderConfig, LdapProviderConfig} from '../config/index.ts';
import {createLdapClient, type LdapClient} from './ldap-client.ts';

/** What is asked of directories at a time; who comes then waits for nobody longer than a question may take. */
const QUESTIONS_MAX = 32;

/** What directories are asked with. */
export interface PasswordDirectoryDependencies {
	readonly storage: Pick<Storage, 'accounts' | 'identities'>;
	readonly providers: readonly IdentityProviderConfig[];
	/** Makes an account. Accounts ask the directory themselves, so they are there only when one is made. */
	readonly register: Accounts['register'];
	readonly random: RandomBytes;
	/** Told of a directory that cannot be asked; never of names. */
	readonly onProblem: (problem: unknown) => void;
}

/** Makes what asks the directories of the configuration, in their order. */
export function createPasswordDirectory(dependencies: PasswordDirectoryDependencies): PasswordDirectory {
	const {storage, random, onProblem} = dependencies;
	const directories = dependencies.providers
		.filter((provider): provider is LdapProviderConfig => provider.kind === 'ldap')
		.map((config) => ({config, client: createLdapClient(config)}));
	let questions = 0;

	async function ask(client: LdapClient, name: string, password: string): Promise<string | undefined> {
		// Refused as a wrong password is: whoever asks so much tries passwords.
		if (questions >= QUESTIONS_MAX) return undefined;
		questions += 1;
		try {
			return await client.check(name, password);
		} catch (error) {
			onProblem(error);
			return undefined;
		} finally {
			questions -= 1;
		}
	}

	return {
		isAsked: directories.length > 0,
		async find({userId, account, password}) {
			if (directories.length === 0) return undefined;
			const links = userId === undefined ? [] : await storage.identities.listOfUser(userId);
			let found: {readonly link: IdentityRow} | undefined;
			for (const {config, client} of directories) {
				const link = links.find(({providerId}) => providerId === config.id);
				const isAsked = account === undefined ? config.createsAccounts : link !== undefined;
				// An empty password is nobody's, and no directory is asked about it.
				const isMeant = userId !== undefined && isAsked && found === undefined && password !== '';
				// Where nothing is to be found out somebody is asked about who is not there, so that it takes as long.
				const name = isMeant ? localpartOf(userId) : newOpaqueId(random).toLowerCase();
				const subject = await ask(client, name, isMeant ? password : inventPassword(random, password));
				if (!isMeant || subject === undefined) continue;
				if (link === undefined || link.subject === subject) {
					found = {link: {providerId: config.id, subject, userId}};
				}
			}
			if (found === undefined) return undefined;
			return account ?? admit(dependencies, found.link);
		},
	};
}

/** Gives a random password as long as another one, so that it makes a question as long. */
function inventPassword(random: RandomBytes, other: string): string {
	const length = Math.max(1, Buffer.byteLength(other));
	let text = '';
	while (text.length < length) text += newOpaqueId(random);
	return text.slice(0, length);
}

/** Makes the account of somebody new. */
async function admit(
	{storage, register}: PasswordDirectoryDependencies,
	link: IdentityRow & {readonly userId: UserId},
) {
	try {
		await register({userId: link.userId, alsoWrite: (batch: Batch) => storage.identities.add(batch, link)});
	} catch (error) {
		// The name is kept for others, or somebody of another name is that entry.
		if (error instanceof AccountsError || (error instanceof DuplicateError && error.table === 'identities')) {
			return undefined;
		}
		throw error;
	}
	return storage.accounts.find(link.userId);
}
