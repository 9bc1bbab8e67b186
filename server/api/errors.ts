import {AccountsError, AuthenticationRequired} from '../accounts/index.ts';
import {BusyError} from '../../crypto/index.ts';
import {DevicesError} from '../devices/index.ts';
import {type ErrorMapper, json, limitExceeded, mapErrors} from '../http/index.ts';
import {ProfilesError} from '../profiles/index.ts';

const softLogout = {soft_logout: true};

/**
 * How the errors of the domains are answered: one row for each error class, made with `mapErrors`. A code of an error
 * class that has no row does not compile.
 */
export const errorMappers: readonly ErrorMapper[] = [
	mapErrors(AccountsError, {
		'wrong-password': 'M_FORBIDDEN',
		deactivated: 'M_USER_DEACTIVATED',
		locked: {errcode: 'M_USER_LOCKED', fields: softLogout},
		suspended: 'M_USER_SUSPENDED',
		'user-in-use': 'M_USER_IN_USE',
		'invalid-username': 'M_INVALID_USERNAME',
		'registration-token-spent': {errcode: 'M_UNAUTHORIZED'},
		'password-too-long': 'M_INVALID_PARAM',
		'weak-password': 'M_WEAK_PASSWORD',
		'unknown-account': 'M_NOT_FOUND',
	}),
	mapErrors(DevicesError, {
		'unknown-device': 'M_NOT_FOUND',
		'invalid-device-id': 'M_INVALID_PARAM',
		'device-id-is-a-key': 'M_FORBIDDEN',
		'session-expired': {errcode: 'M_UNKNOWN_TOKEN', fields: softLogout},
		'unknown-refresh-token': {errcode: 'M_UNKNOWN_TOKEN', fields: {soft_logout: false}},
		'refresh-token-expired': {errcode: 'M_UNKNOWN_TOKEN', fields: softLogout},
	}),
	mapErrors(ProfilesError, {
		'not-found': 'M_NOT_FOUND',
		'key-too-large': 'M_KEY_TOO_LARGE',
		'invalid-key': 'M_INVALID_PARAM',
		'invalid-value': 'M_INVALID_PARAM',
		'profile-too-large': 'M_PROFILE_TOO_LARGE',
	}),
	(error) => (error instanceof AuthenticationRequired ? json(error.challenge, {status: 401}) : undefined),
	(error) => (error instanceof BusyError ? limitExceeded(error.retryAfterMs) : undefined),
];
