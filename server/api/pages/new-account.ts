import type {AccountsErrorCode} from '../../accounts/index.ts';
import type {TextKey} from '../../../web/index.ts';

/** What is said where an account cannot be made as it was asked for. */
export const newAccountProblems: {readonly [Code in AccountsErrorCode]?: TextKey} = {
	exclusive: 'register.taken',
	'invalid-username': 'register.badName',
	'password-too-long': 'register.tooLong',
	'registration-token-spent': 'register.wrongToken',
	'user-in-use': 'register.taken',
	'weak-password': 'register.weak',
};
