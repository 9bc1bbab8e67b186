import type {HttpResponse} from './response.ts';

/** The specification's error codes that this server answers with, each with the status it has unless a route says otherwise. */
const statusOfErrcode = {
	M_APPSERVICE_LOGIN_UNSUPPORTED: 400,
	M_BAD_ALIAS: 400,
	M_BAD_JSON: 400,
	M_BAD_STATE: 403,
	M_CANNOT_LEAVE_SERVER_NOTICE_ROOM: 403,
	M_CANNOT_OVERWRITE_MEDIA: 409,
	M_DUPLICATE_ANNOTATION: 400,
	M_EXCLUSIVE: 400,
	M_FORBIDDEN: 403,
	M_GUEST_ACCESS_FORBIDDEN: 403,
	M_INCOMPATIBLE_ROOM_VERSION: 400,
	M_INVALID_PARAM: 400,
	M_INVALID_ROOM_STATE: 400,
	M_INVALID_SIGNATURE: 400,
	M_INVALID_USERNAME: 400,
	M_INVITE_BLOCKED: 403,
	M_KEY_TOO_LARGE: 400,
	M_LIMIT_EXCEEDED: 429,
	M_MISSING_PARAM: 400,
	M_MISSING_TOKEN: 401,
	M_NOT_FOUND: 404,
	M_NOT_JSON: 400,
	M_NOT_YET_UPLOADED: 504,
	M_PROFILE_TOO_LARGE: 400,
	M_RESOURCE_LIMIT_EXCEEDED: 403,
	M_ROOM_IN_USE: 400,
	M_SERVER_NOT_TRUSTED: 400,
	M_SESSION_EXPIRED: 400,
	M_THREEPID_AUTH_FAILED: 403,
	M_THREEPID_DENIED: 403,
	M_TOO_LARGE: 413,
	M_UNABLE_TO_AUTHORISE_JOIN: 400,
	M_UNABLE_TO_GRANT_JOIN: 400,
	M_UNAUTHORIZED: 401,
	M_UNKNOWN: 500,
	M_UNKNOWN_DEVICE: 400,
	/** Of proposal 4186: a connection begins anew. */
	M_UNKNOWN_POS: 400,
	M_UNKNOWN_TOKEN: 401,
	M_UNRECOGNIZED: 404,
	M_UNSUPPORTED_ROOM_VERSION: 400,
	M_USER_DEACTIVATED: 403,
	M_USER_IN_USE: 400,
	M_USER_LIMIT_EXCEEDED: 403,
	M_USER_LOCKED: 401,
	M_USER_SUSPENDED: 403,
	M_WEAK_PASSWORD: 400,
	M_WRONG_ROOM_KEYS_VERSION: 403,
} as const;

/** An error code of the Matrix specification. */
export type Errcode = keyof typeof statusOfErrcode;

interface MatrixErrorOptions {
	/** Where an endpoint's own table of responses differs from the code's usual status. */
	readonly status?: number;
	/** Further keys of the response body that the specification gives the code, such as `soft_logout`. */
	readonly fields?: Readonly<Record<string, unknown>>;
	readonly headers?: Readonly<Record<string, string>>;
	readonly cause?: unknown;
}

/**
 * An answer that is an error in the specification's form. Only the edge (server/http and server/api) makes these; the
 * text goes to strangers, so it says nothing of other users and carries no secrets.
 * @see https://spec.matrix.org/v1.19/client-server-api/#standard-error-response
 */
export class MatrixError extends Error {
	override readonly name = 'MatrixError';
	readonly errcode: Errcode;
	readonly status: number;
	readonly fields: Readonly<Record<string, unknown>>;
	readonly headers: Readonly<Record<string, string>>;
	constructor(
		errcode: Errcode,
		text: string,
		{status = statusOfErrcode[errcode], fields = {}, headers = {}, cause}: MatrixErrorOptions = {},
	) {
		super(text, {cause});
		this.errcode = errcode;
		this.status = status;
		this.fields = fields;
		this.headers = headers;
	}

	/** The response body. */
	toJSON(): Record<string, unknown> {
		return {errcode: this.errcode, error: this.message, ...this.fields};
	}
}

/** A 429 that says when to come back, in the header and, for older clients, in the body. */
export function limitExceeded(retryAfterMs: number, text = 'Too many requests: wait before trying again'): MatrixError {
	return new MatrixError('M_LIMIT_EXCEEDED', text, {
		fields: {retry_after_ms: Math.ceil(retryAfterMs)},
		headers: {'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1000)))},
	});
}

/** An error of a domain: a class whose `code` is one of a closed set of words. */
export interface DomainError extends Error {
	readonly code: string;
}

/** How one code of a domain error is answered: the error code alone, or with what differs from its usual form. */
export type ErrorRow =
	| Errcode
	| {
			readonly errcode: Errcode;
			readonly status?: number;
			/** Replaces the domain's own text, which is shown otherwise. */
			readonly text?: string;
			readonly fields?: Readonly<Record<string, unknown>>;
	  };

/**
 * Answers an error that the edge did not make itself, with an error or, where the specification's form is another (the
 * challenge of user-interactive authentication), with a response. `undefined` leaves it unknown, which is a 500.
 */
export type ErrorMapper = (error: unknown) => MatrixError | HttpResponse | undefined;

/**
 * Says how the errors of one domain are answered. Every code of the class has a row, or this does not compile.
 * @example mapErrors(RoomsError, {'not-found': 'M_NOT_FOUND', 'forbidden': {errcode: 'M_FORBIDDEN', text: 'No'}})
 */
export function mapErrors<E extends DomainError>(
	// oxlint-disable-next-line typescript/no-explicit-any -- a class is known by what it makes, whatever it is made from
	errorClass: new (...parameters: any[]) => E,
	rows: Readonly<Record<E['code'], ErrorRow>>,
): ErrorMapper {
	return (error) => {
		if (!(error instanceof errorClass)) {
			return undefined;
		}
		const row = rows[error.code as E['code']];
		if (typeof row === 'string') {
			return new MatrixError(row, error.message, {cause: error});
		}
		return new MatrixError(row.errcode, row.text ?? error.message, {
			...(row.status === undefined ? {} : {status: row.status}),
			...(row.fields === undefined ? {} : {fields: row.fields}),
			cause: error,
		});
	};
}
