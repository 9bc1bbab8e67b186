import type {RandomBytes} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import type {Storage} from '../../storage/index.ts';
import type {Accounts} from '../accounts/index.ts';
import type {Devices} from '../devices/index.ts';

/** What the oauth domain is built from. */
export interface OAuthDependencies {
	readonly storage: Storage;
	readonly accounts: Pick<Accounts, 'find' | 'refresh'>;
	readonly devices: Pick<Devices, 'endCopied' | 'open' | 'remove' | 'revoke'>;
	readonly clock: Clock;
	readonly random: RandomBytes;
	/** Where clients reach the server, without a trailing slash. */
	readonly publicUrl: string;
	readonly isEnabled: boolean;
	/** Whether people can make an account on the pages. */
	readonly offersAccounts: boolean;
}
