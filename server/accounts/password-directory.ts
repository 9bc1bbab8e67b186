import type {UserId} from '../../crypto/index.ts';
import type {AccountRow} from '../../storage/index.ts';

/** Elsewhere that it is known whose password something is. */
export interface PasswordDirectory {
	/** Whether anything is asked at all. */
	readonly isAsked: boolean;
	/**
	 * Finds whose name and password it is, and makes the account of somebody new. Costs the same whatever there is here.
	 * @param claim.userId `undefined` for a name that nobody here could have
	 * @param claim.account the account of that name
	 */
	find(claim: {
		readonly userId: UserId | undefined;
		readonly account: AccountRow | undefined;
		readonly password: string;
	}): Promise<AccountRow | undefined>;
}
