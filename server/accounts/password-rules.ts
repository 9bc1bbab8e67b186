import {passwordBytesMax} from '../../crypto/index.ts';
import {AccountsError} from './errors.ts';

/** Fewer characters are refused for a new password, as the specification asks of clients. */
const PASSWORD_CHARACTERS_MIN = 8;

/** @throws AccountsError 'password-too-long', before anything is looked up or hashed */
export function checkPasswordLength(password: string): void {
	if (Buffer.byteLength(password) > passwordBytesMax) {
		throw new AccountsError('password-too-long', `Expected a password of at most ${passwordBytesMax} bytes`);
	}
}

/**
 * Checks a password that is about to be set.
 * @see https://spec.matrix.org/v1.19/client-server-api/#password-management
 * @throws AccountsError 'password-too-long', 'weak-password'
 */
export function checkNewPassword(password: string): void {
	checkPasswordLength(password);
	if (password.length < PASSWORD_CHARACTERS_MIN) {
		throw new AccountsError('weak-password', `Expected a password of at least ${PASSWORD_CHARACTERS_MIN} characters`);
	}
}
