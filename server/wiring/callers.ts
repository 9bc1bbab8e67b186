import type {Authenticators} from '../http/index.ts';
import type {Services} from '../services.ts';

/** Builds what tells whose token a request has, and holds sources to what their accounts are for. */
export function createUserAuthenticator({
	accounts,
	sourceLinks,
}: Pick<Services, 'accounts' | 'sourceLinks'>): Authenticators['user'] {
	return ({token, allowsLocked, address, ...asked}) => {
		const found = accounts.authenticate(token, {allowsLocked, address});
		if (found instanceof Promise) return found.then((caller) => caller && sourceLinks.hold(caller, asked));
		return found && sourceLinks.hold(found, asked);
	};
}
