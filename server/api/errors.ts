import {AccountDataError} from '../account-data/index.ts';
import {AddressesError} from '../addresses/index.ts';
import {AccountsError, AuthenticationRequired} from '../accounts/index.ts';
import {AdministrationError} from '../administration/index.ts';
import {BusyError} from '../../crypto/index.ts';
import {DELAY_MS_MAX, DelayedEventsError} from '../delayed-events/index.ts';
import {DevicesError} from '../devices/index.ts';
import {TypingError} from '../ephemeral/index.ts';
import {FiltersError} from '../filters/index.ts';
import {EngineError, type PolicyRefusal} from '../../federation/engine/index.ts';
import {InboundError} from '../../federation/inbound/index.ts';
import {EncryptionError, type EncryptionErrorCode} from '../encryption/index.ts';
import {type Errcode, type ErrorMapper, json, limitExceeded, MatrixError, mapErrors} from '../http/index.ts';
import {IdentityError} from '../identity-providers/index.ts';
import {MediaError, MediaQuotaError} from '../media/index.ts';
import {OAuthError} from '../oauth/index.ts';
import {ProfilesError} from '../profiles/index.ts';
import {PushError} from '../push/index.ts';
import {PushersError} from '../pushers/index.ts';
import {QuarantineError} from '../quarantine/index.ts';
import {ReceiptsError} from '../receipts/index.ts';
import {RecoveryError} from '../recovery/index.ts';
import {ReportsError} from '../reports/index.ts';
import {RoomsError} from '../rooms/index.ts';
import {SearchError} from '../search/index.ts';
import {SecondFactorError} from '../second-factor/index.ts';
import {SourceLinksError} from '../source-links/index.ts';
import {SyncError} from '../sync/index.ts';
import {FactsSpentError} from '../visibility/index.ts';

const softLogout = {soft_logout: true};

/** The codes of the encryption domain; signatures that are uploaded together are answered one by one. */
export const encryptionErrcodes: Readonly<Record<EncryptionErrorCode, Errcode>> = {
	'bad-form': 'M_BAD_JSON',
	'invalid-key': 'M_INVALID_PARAM',
	'invalid-signature': 'M_INVALID_SIGNATURE',
	'key-exists': 'M_UNKNOWN',
	'key-is-device-id': 'M_FORBIDDEN',
	'no-master-key': 'M_MISSING_PARAM',
	'device-exists': 'M_INVALID_PARAM',
	'no-dehydrated-device': 'M_NOT_FOUND',
	'unknown-key': 'M_NOT_FOUND',
	'too-many': 'M_INVALID_PARAM',
	'too-large': 'M_TOO_LARGE',
	'unknown-backup': 'M_NOT_FOUND',
	'wrong-backup-version': 'M_WRONG_ROOM_KEYS_VERSION',
	'backup-mismatch': 'M_INVALID_PARAM',
	'backup-full': 'M_FORBIDDEN',
	contended: 'M_UNKNOWN',
	'unknown-position': 'M_INVALID_PARAM',
	forbidden: 'M_FORBIDDEN',
};

/**
 * How the errors of the domains are answered: one row for each error class, made with `mapErrors`. A code of an error
 * class that has no row does not compile.
 */
export const errorMappers: readonly ErrorMapper[] = [
	mapErrors(AccountDataError, {
		'not-found': 'M_NOT_FOUND',
		'server-managed': {errcode: 'M_BAD_JSON', status: 405},
		'invalid-type': 'M_INVALID_PARAM',
		'too-large': 'M_TOO_LARGE',
		'not-in-room': 'M_FORBIDDEN',
	}),
	mapErrors(AccountsError, {
		'wrong-password': 'M_FORBIDDEN',
		'another-account': 'M_FORBIDDEN',
		deactivated: 'M_USER_DEACTIVATED',
		locked: {errcode: 'M_USER_LOCKED', fields: softLogout},
		suspended: 'M_USER_SUSPENDED',
		'user-in-use': 'M_USER_IN_USE',
		exclusive: 'M_EXCLUSIVE',
		'invalid-username': 'M_INVALID_USERNAME',
		'registration-token-spent': {errcode: 'M_UNAUTHORIZED'},
		'password-too-long': 'M_INVALID_PARAM',
		'weak-password': 'M_WEAK_PASSWORD',
		'unknown-account': 'M_NOT_FOUND',
		'wrong-login-token': 'M_FORBIDDEN',
		'not-local': 'M_INVALID_PARAM',
		protected: 'M_FORBIDDEN',
	}),
	mapErrors(AdministrationError, {
		protected: 'M_FORBIDDEN',
		ended: 'M_USER_DEACTIVATED',
		'not-kept': 'M_INVALID_PARAM',
		invalid: 'M_INVALID_PARAM',
		'unknown-token': 'M_NOT_FOUND',
		'token-exists': 'M_INVALID_PARAM',
		'unknown-report': 'M_NOT_FOUND',
		'unknown-room': 'M_NOT_FOUND',
		'unknown-medium': 'M_NOT_FOUND',
		'unknown-task': 'M_NOT_FOUND',
		powerless: 'M_FORBIDDEN',
	}),
	mapErrors(AddressesError, {
		'no-mail': 'M_THREEPID_DENIED',
		'invalid-address': {errcode: 'M_INVALID_PARAM', status: 400},
		'link-gone': 'M_NOT_FOUND',
		'not-validated': 'M_THREEPID_AUTH_FAILED',
	}),
	mapErrors(DelayedEventsError, {
		'not-found': 'M_NOT_FOUND',
		'delay-too-long': {
			errcode: 'M_UNKNOWN',
			status: 400,
			fields: {
				'org.matrix.msc4140.errcode': 'M_MAX_DELAY_EXCEEDED',
				'org.matrix.msc4140.max_delay': DELAY_MS_MAX,
			},
		},
		'too-many': {
			errcode: 'M_UNKNOWN',
			status: 400,
			fields: {'org.matrix.msc4140.errcode': 'M_MAX_DELAYED_EVENTS_EXCEEDED'},
		},
		'bad-event': 'M_BAD_JSON',
		gone: 'M_NOT_FOUND',
	}),
	mapErrors(DevicesError, {
		'unknown-device': 'M_NOT_FOUND',
		'invalid-device-id': 'M_INVALID_PARAM',
		'device-id-is-a-key': 'M_FORBIDDEN',
		'device-is-dehydrated': 'M_FORBIDDEN',
		'device-is-signed-in': 'M_INVALID_PARAM',
		'too-many-devices': 'M_FORBIDDEN',
		'session-expired': {errcode: 'M_UNKNOWN_TOKEN', fields: softLogout},
		'unknown-refresh-token': {errcode: 'M_UNKNOWN_TOKEN', fields: {soft_logout: false}},
		'refresh-token-expired': {errcode: 'M_UNKNOWN_TOKEN', fields: softLogout},
	}),
	(error) => (error instanceof EncryptionError ? withCurrentVersion(error) : undefined),
	mapErrors(EncryptionError, {
		...encryptionErrcodes,
		'key-exists': {errcode: 'M_UNKNOWN', status: 400},
		contended: {errcode: 'M_UNKNOWN', status: 503},
	}),
	mapErrors(FiltersError, {
		'unknown-filter': 'M_NOT_FOUND',
		'invalid-filter': 'M_BAD_JSON',
		'invalid-parameter': 'M_INVALID_PARAM',
	}),
	mapErrors(IdentityError, {
		'unknown-provider': 'M_NOT_FOUND',
		unavailable: {errcode: 'M_UNKNOWN', status: 503},
		'no-flow': 'M_FORBIDDEN',
		refused: 'M_FORBIDDEN',
		'not-asked-anew': 'M_FORBIDDEN',
		'no-account': 'M_FORBIDDEN',
		'linked-elsewhere': 'M_FORBIDDEN',
		'last-way-in': 'M_FORBIDDEN',
		'bad-logout-token': {errcode: 'M_INVALID_PARAM', status: 400},
	}),
	(error) =>
		error instanceof MediaQuotaError
			? new MatrixError('M_USER_LIMIT_EXCEEDED', error.message, {fields: {info_uri: error.infoUri}, cause: error})
			: undefined,
	mapErrors(MediaError, {
		'not-found': 'M_NOT_FOUND',
		'not-yet-uploaded': 'M_NOT_YET_UPLOADED',
		'not-yours': 'M_FORBIDDEN',
		'already-uploaded': 'M_CANNOT_OVERWRITE_MEDIA',
		'too-many-pending': 'M_LIMIT_EXCEEDED',
		'over-quota': 'M_USER_LIMIT_EXCEEDED',
		'remote-too-much': 'M_LIMIT_EXCEEDED',
		'invalid-name': 'M_INVALID_PARAM',
		'no-space': {errcode: 'M_UNKNOWN', status: 507},
		'store-failed': {errcode: 'M_UNKNOWN', status: 503},
		'too-large': 'M_TOO_LARGE',
		'remote-too-large': {errcode: 'M_TOO_LARGE', status: 502},
		unreachable: {errcode: 'M_UNKNOWN', status: 502},
		'no-thumbnail': {errcode: 'M_UNKNOWN', status: 400},
		'took-too-long': {errcode: 'M_UNKNOWN', status: 503},
		busy: {errcode: 'M_UNKNOWN', status: 503},
	}),
	mapErrors(OAuthError, {
		off: 'M_UNRECOGNIZED',
		invalid_client_metadata: 'M_INVALID_PARAM',
		invalid_redirect_uri: 'M_INVALID_PARAM',
		'signed-out': 'M_FORBIDDEN',
		'unknown-user-code': 'M_NOT_FOUND',
	}),
	mapErrors(ProfilesError, {
		'not-found': 'M_NOT_FOUND',
		'key-too-large': 'M_KEY_TOO_LARGE',
		'invalid-key': 'M_INVALID_PARAM',
		'invalid-value': 'M_INVALID_PARAM',
		'profile-too-large': 'M_PROFILE_TOO_LARGE',
	}),
	(error) =>
		error instanceof InboundError && error.code === 'incompatible_version'
			? new MatrixError('M_INCOMPATIBLE_ROOM_VERSION', error.message, {fields: {room_version: error.roomVersion}})
			: undefined,
	mapErrors(InboundError, {
		not_found: 'M_NOT_FOUND',
		forbidden: 'M_FORBIDDEN',
		invalid: 'M_INVALID_PARAM',
		invite_blocked: 'M_INVITE_BLOCKED',
		incomplete: 'M_MISSING_PARAM',
		incompatible_version: 'M_INCOMPATIBLE_ROOM_VERSION',
		unable_to_authorise: 'M_UNABLE_TO_AUTHORISE_JOIN',
		unable_to_grant: 'M_UNABLE_TO_GRANT_JOIN',
	}),
	mapErrors(PushError, {
		'unknown-rule': 'M_NOT_FOUND',
		'invalid-rule': 'M_INVALID_PARAM',
		'too-many-rules': {errcode: 'M_INVALID_PARAM', status: 400},
	}),
	mapErrors(PushersError, {invalid: 'M_INVALID_PARAM', 'too-many': {errcode: 'M_INVALID_PARAM', status: 400}}),
	mapErrors(QuarantineError, {'not-waiting': 'M_NOT_FOUND'}),
	mapErrors(ReceiptsError, {
		'not-in-room': 'M_FORBIDDEN',
		'unknown-event': 'M_NOT_FOUND',
		'invalid-thread': 'M_INVALID_PARAM',
	}),
	mapErrors(RecoveryError, {
		'link-gone': 'M_NOT_FOUND',
		'wrong-name': 'M_FORBIDDEN',
		'wrong-code': 'M_FORBIDDEN',
		'too-many-tries': 'M_LIMIT_EXCEEDED',
		'no-factor': 'M_FORBIDDEN',
		'not-proven': 'M_FORBIDDEN',
	}),
	mapErrors(ReportsError, {'unknown-event': 'M_NOT_FOUND'}),
	mapErrors(SearchError, {'invalid-token': 'M_INVALID_PARAM'}),
	(error) =>
		error instanceof SecondFactorError && error.retryAfterMs !== undefined
			? limitExceeded(error.retryAfterMs, error.message)
			: undefined,
	mapErrors(SecondFactorError, {
		'wrong-code': 'M_FORBIDDEN',
		'wrong-passkey': 'M_FORBIDDEN',
		'too-many-tries': 'M_LIMIT_EXCEEDED',
		'totp-exists': {errcode: 'M_INVALID_PARAM', status: 409},
		'no-set-up': 'M_NOT_FOUND',
		'factor-exists': {errcode: 'M_INVALID_PARAM', status: 409},
		'unknown-passkey': 'M_NOT_FOUND',
		'passkey-exists': {errcode: 'M_INVALID_PARAM', status: 409},
		'too-many-passkeys': 'M_FORBIDDEN',
		'last-way-in': 'M_FORBIDDEN',
		'invalid-name': 'M_INVALID_PARAM',
		'no-passkeys-here': 'M_FORBIDDEN',
	}),
	mapErrors(SourceLinksError, {
		'not-allowed': 'M_FORBIDDEN',
		'invalid-link': 'M_INVALID_PARAM',
		'too-many': 'M_USER_LIMIT_EXCEEDED',
		gone: 'M_NOT_FOUND',
		'not-for-sources': 'M_FORBIDDEN',
	}),
	mapErrors(SyncError, {
		'invalid-token': 'M_INVALID_PARAM',
		'unknown-position': 'M_UNKNOWN_POS',
		'session-ended': {errcode: 'M_UNKNOWN_TOKEN', fields: {soft_logout: false}},
	}),
	mapErrors(TypingError, {'not-in-room': 'M_FORBIDDEN'}),
	(error) => (error instanceof RoomsError ? withRoomVersion(error) : undefined),
	mapErrors(RoomsError, {
		'not-in-room': 'M_FORBIDDEN',
		forbidden: 'M_FORBIDDEN',
		suspended: 'M_USER_SUSPENDED',
		'no-guests': 'M_GUEST_ACCESS_FORBIDDEN',
		'not-found': 'M_NOT_FOUND',
		'bad-event': 'M_BAD_JSON',
		'invalid-parameter': 'M_INVALID_PARAM',
		'invalid-room-state': 'M_INVALID_ROOM_STATE',
		'unsupported-version': 'M_UNSUPPORTED_ROOM_VERSION',
		'incompatible-version': 'M_INCOMPATIBLE_ROOM_VERSION',
		'room-in-use': 'M_ROOM_IN_USE',
		'alias-taken': {errcode: 'M_UNKNOWN', status: 409},
		'bad-alias': 'M_BAD_ALIAS',
		'bad-state': 'M_BAD_STATE',
		'still-in-room': {errcode: 'M_UNKNOWN', status: 400},
		'unable-to-authorise-join': 'M_UNABLE_TO_AUTHORISE_JOIN',
		'unable-to-grant-join': 'M_UNABLE_TO_GRANT_JOIN',
		'invite-blocked': 'M_INVITE_BLOCKED',
		'notice-room': 'M_CANNOT_LEAVE_SERVER_NOTICE_ROOM',
		'no-third-party-invites': 'M_THREEPID_DENIED',
		'duplicate-annotation': 'M_DUPLICATE_ANNOTATION',
		'nested-thread': {errcode: 'M_UNKNOWN', status: 400},
		superseded: {errcode: 'M_UNKNOWN', status: 409},
		unreachable: {errcode: 'M_UNKNOWN', status: 502},
	}),
	(error) =>
		error instanceof EngineError && error.code === 'overloaded' ? limitExceeded(error.retryAfterMs ?? 1000) : undefined,
	(error) => (error instanceof EngineError && error.refusal ? sayVerbatim(error.refusal) : undefined),
	mapErrors(EngineError, {
		forbidden: 'M_FORBIDDEN',
		not_in_room: {errcode: 'M_FORBIDDEN', text: 'You are not in this room'},
		bad_event: 'M_BAD_JSON',
		too_large: 'M_TOO_LARGE',
		unsupported_version: 'M_UNSUPPORTED_ROOM_VERSION',
		overloaded: 'M_LIMIT_EXCEEDED',
		unavailable: {errcode: 'M_UNKNOWN', status: 503},
		too_complex: {errcode: 'M_UNKNOWN', status: 503},
		bad_response: {errcode: 'M_UNKNOWN', status: 502},
		conflict: {errcode: 'M_UNKNOWN', status: 409},
		not_recommended: 'M_FORBIDDEN',
	}),
	(error) => (error instanceof AuthenticationRequired ? json(error.challenge, {status: 401}) : undefined),
	(error) => (error instanceof FactsSpentError ? limitExceeded(error.retryAfterMs, error.message) : undefined),
	(error) => (error instanceof BusyError ? limitExceeded(error.retryAfterMs) : undefined),
];

/** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3room_keyskeys */
function withCurrentVersion({message, currentVersion}: EncryptionError): MatrixError | undefined {
	if (currentVersion === undefined) return undefined;
	return new MatrixError('M_WRONG_ROOM_KEYS_VERSION', message, {fields: {current_version: currentVersion}});
}

/** @see https://spec.matrix.org/v1.19/client-server-api/#common-error-codes */
function withRoomVersion({code, message, roomVersion}: RoomsError): MatrixError | undefined {
	if (code !== 'incompatible-version' || roomVersion === undefined) return undefined;
	return new MatrixError('M_INCOMPATIBLE_ROOM_VERSION', message, {fields: {room_version: roomVersion}});
}

/**
 * What a policy server says is said to the client in its words.
 * @see https://spec.matrix.org/v1.19/server-server-api/#validating-policy-server-signatures
 */
function sayVerbatim({status, errcode, error, retryAfterMs}: PolicyRefusal): MatrixError {
	return new MatrixError('M_FORBIDDEN', error, {
		status,
		fields: {errcode, ...(retryAfterMs !== undefined && {retry_after_ms: retryAfterMs})},
		headers: retryAfterMs === undefined ? {} : {'retry-after': String(Math.ceil(retryAfterMs / 1000))},
	});
}
