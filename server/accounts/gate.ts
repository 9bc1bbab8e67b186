import type {AccountRow} from '../../storage/index.ts';
import {AccountsError} from './errors.ts';

/** What a session is about to do. */
export type Action =
	/** Log out: what a locked account still may. */
	| 'log-out'
	/** Anything that touches nobody else: reading, leaving, one's own devices and keys. */
	| 'use'
	/** Joining, inviting, sending, changing the profile: what others would see. */
	| 'act';

/**
 * The one place that says what the states of an account still allow.
 * @see https://spec.matrix.org/v1.19/client-server-api/#account-moderation
 * @throws AccountsError 'deactivated', 'locked', 'suspended'
 */
export function checkMay(
	action: Action,
	account: Pick<AccountRow, 'isDeactivated' | 'isLocked' | 'isSuspended'>,
): void {
	if (account.isDeactivated) {
		throw new AccountsError('deactivated', 'This account is deactivated');
	}
	if (account.isLocked && action !== 'log-out') {
		throw new AccountsError('locked', 'This account is locked');
	}
	if (account.isSuspended && action === 'act') {
		throw new AccountsError('suspended', 'This cannot be done while the account is suspended');
	}
}
