import {isStrictLocalpart, isUserId, localpartOf, type ServerName, type UserId} from '../../crypto/index.ts';
import {AccountsError} from './errors.ts';

/**
 * Gives the user id that a new account of this name would have. Capitals of ASCII become small letters, no others do:
 * other scripts' capitals are outside the grammar anyway, and some of them would become ASCII letters.
 * @see https://spec.matrix.org/v1.19/appendices/#user-identifiers
 * @throws AccountsError 'invalid-username'
 */
export function newUserId(username: string, serverName: ServerName): UserId {
	const localpart = lowerAscii(username);
	const userId = `@${localpart}:${serverName}`;
	// A leading underscore is where application services keep the people they bring in.
	if (!isStrictLocalpart(localpart) || localpart.startsWith('_') || !isUserId(userId)) {
		throw new AccountsError(
			'invalid-username',
			'Expected a user name of a-z, 0-9 and ._=-/+ that does not begin with _ and is not too long',
		);
	}
	return userId;
}

/** Gives the user id of this server that a claimed name, full or only its localpart, stands for; `undefined` where none could. */
export function claimedUserId(name: string, serverName: ServerName): UserId | undefined {
	const isFull = name.startsWith('@');
	const colon = name.indexOf(':');
	if (isFull && (colon === -1 || name.slice(colon + 1) !== serverName)) {
		return undefined;
	}
	const userId = `@${lowerAscii(isFull ? name.slice(1, colon) : name)}:${serverName}`;
	return isUserId(userId) && isStrictLocalpart(localpartOf(userId)) ? userId : undefined;
}

function lowerAscii(text: string): string {
	return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
