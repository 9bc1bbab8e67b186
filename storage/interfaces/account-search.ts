import type {JsonValue} from '../../crypto/index.ts';
import type {AccountRow} from './accounts.ts';

/** What accounts can be put in the order of. */
export type AccountOrder =
	| 'name'
	| 'admin'
	| 'creation_ts'
	| 'deactivated'
	| 'displayname'
	| 'is_guest'
	| 'last_seen_ts'
	| 'locked'
	| 'suspended';

/** Which accounts administrators look for; what is absent is not looked at. */
export interface AccountQuery {
	/** A part of the localpart or the display name, ignoring case. */
	readonly text?: string | undefined;
	/** A part of the user id, ignoring case; not looked at beside `text`. */
	readonly idPart?: string | undefined;
	readonly isAdmin?: boolean | undefined;
	readonly isGuest?: boolean | undefined;
	readonly isDeactivated?: boolean | undefined;
	readonly isLocked?: boolean | undefined;
	readonly isSuspended?: boolean | undefined;
}

/** An account as administrators list it. */
export interface ListedAccount extends Omit<AccountRow, 'passwordHash'> {
	readonly displayName: JsonValue;
	readonly avatarUrl: JsonValue;
	/** Days since the Unix epoch; `null`: no device of theirs was seen. */
	readonly lastSeenDay: number | null;
}

/** How administrators look for accounts. */
export interface AccountSearch {
	/** Lists accounts that administrators look for, those that are equal in the order by their names. Reads all accounts. */
	search(
		query: AccountQuery,
		page: {
			readonly order: AccountOrder;
			readonly isDescending: boolean;
			readonly offset: number;
			readonly limit: number;
		},
	): Promise<ListedAccount[]>;
	/** Counts accounts that administrators look for. */
	countFound(query: AccountQuery): Promise<number>;
}
