import {hashToken, isToken, newToken, type RandomBytes} from '../../crypto/index.ts';
import type {Storage} from '../../storage/index.ts';
import type {Accounts} from './accounts.ts';

/** What administrators see in the list of registration tokens. */
export const SET_UP_NAME = 'set-up link';

/** The one-time link by which the first administrator makes an account. */
export interface SetUp {
	/** Makes the link's token, ending earlier ones; `undefined` where there is an account already. */
	open(): Promise<string | undefined>;
	/** Gives the hash to register with; `undefined` where the token is not good, or an account was made since. */
	find(token: string): Promise<string | undefined>;
}

/** Makes the set-up link: a registration token for one use that makes an administrator. */
export function createSetUp({
	storage,
	accounts,
	random,
}: {
	readonly storage: Storage;
	readonly accounts: Accounts;
	readonly random: RandomBytes;
}): SetUp {
	return {
		async open() {
			const batch = storage.batch();
			for (const earlier of await storage.accounts.listRegistrationTokens()) {
				if (earlier.makesAdmin && earlier.name === SET_UP_NAME) {
					storage.accounts.removeRegistrationToken(batch, earlier.tokenHash);
				}
			}
			const isFirst = await accounts.isEmpty();
			const token = newToken('setup', random);
			if (isFirst) {
				storage.accounts.addRegistrationToken(batch, {
					tokenHash: hashToken(token),
					name: SET_UP_NAME,
					usesAllowed: 1,
					usesDone: 0,
					expiresTs: null,
					makesAdmin: true,
				});
			}
			if (!batch.isEmpty) {
				await storage.commit(batch);
			}
			return isFirst ? token : undefined;
		},
		async find(token) {
			if (!isToken(token, 'setup') || !(await accounts.isEmpty())) return undefined;
			const row = await storage.accounts.findRegistrationToken(hashToken(token));
			return row?.usesDone === 0 ? row.tokenHash : undefined;
		},
	};
}
