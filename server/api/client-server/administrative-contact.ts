import {MatrixError} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {authField} from './interactive-auth.ts';

/** Nobody is told whether an address is anybody's: every request gets this. */
const noMail = () => new MatrixError('M_THREEPID_DENIED', 'This server sends no mail, and keeps no addresses');

/** No session of a validated address exists, whatever its id. */
const notValidated = () => new MatrixError('M_THREEPID_AUTH_FAILED', 'No address was validated by this server');

const sessionFields = {client_secret: v.string({max: 255}), sid: v.string({max: 255})};

const requestTokenBody = v.object({
	client_secret: v.string({max: 255}),
	email: v.string({max: 500}),
	send_attempt: v.integer(),
});

const identifierBody = v.object({medium: v.string({max: 255}), address: v.string({max: 500})});

/**
 * Lists the third-party identifiers of the caller's account: none, as this server keeps none.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3account3pid
 */
export const getAccount3pids = route({
	id: 'getAccount3PIDs',
	method: 'GET',
	path: '/_matrix/client/v3/account/3pid',
	auth: 'user',
	handle: () => ({threepids: []}),
});

/**
 * Would add an identifier that an identity server vouches for; none is asked here.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3account3pid
 */
export const post3Pids = route({
	id: 'post3PIDs',
	method: 'POST',
	path: '/_matrix/client/v3/account/3pid',
	auth: 'user',
	body: v.object({three_pid_creds: v.jsonObject()}),
	handle() {
		throw notValidated();
	},
});

/**
 * Would add an address that was validated; without mail none is.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3account3pidadd
 */
export const add3Pid = route({
	id: 'add3PID',
	method: 'POST',
	path: '/_matrix/client/v3/account/3pid/add',
	auth: 'user',
	body: v.object({...sessionFields, auth: authField}),
	handle() {
		throw notValidated();
	},
});

/**
 * Would publish an address at an identity server, which learns who knows whom; none is asked here.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3account3pidbind
 */
export const bind3Pid = route({
	id: 'bind3PID',
	method: 'POST',
	path: '/_matrix/client/v3/account/3pid/bind',
	auth: 'user',
	body: v.object({...sessionFields, id_server: v.string({max: 255}), id_access_token: v.string()}),
	handle() {
		throw new MatrixError('M_THREEPID_DENIED', 'This server asks no identity server');
	},
});

/**
 * Removes an identifier from the caller's account, which has none: it is as the caller wants it.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3account3piddelete
 */
export const delete3Pid = route({
	id: 'delete3pidFromAccount',
	method: 'POST',
	path: '/_matrix/client/v3/account/3pid/delete',
	auth: 'user',
	body: identifierBody,
	handle: () => ({id_server_unbind_result: 'success'}),
});

/**
 * Takes an identifier back from an identity server, where this server has put none.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3account3pidunbind
 */
export const unbind3Pid = route({
	id: 'unbind3pidFromAccount',
	method: 'POST',
	path: '/_matrix/client/v3/account/3pid/unbind',
	auth: 'user',
	body: identifierBody,
	handle: () => ({id_server_unbind_result: 'success'}),
});

/**
 * Would send mail to an address that somebody wants to add.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3account3pidemailrequesttoken
 */
export const requestTokenTo3PidEmail = route({
	id: 'requestTokenTo3PIDEmail',
	method: 'POST',
	path: '/_matrix/client/v3/account/3pid/email/requestToken',
	auth: 'none',
	rateLimit: 'registration',
	body: requestTokenBody,
	handle() {
		throw noMail();
	},
});

/**
 * Would send mail to somebody who registers.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3registeremailrequesttoken
 */
export const requestTokenToRegisterEmail = route({
	id: 'requestTokenToRegisterEmail',
	method: 'POST',
	path: '/_matrix/client/v3/register/email/requestToken',
	auth: 'none',
	rateLimit: 'registration',
	body: requestTokenBody,
	handle() {
		throw noMail();
	},
});

/**
 * Would send mail to somebody who has forgotten their password.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountpasswordemailrequesttoken
 */
export const requestTokenToResetPasswordEmail = route({
	id: 'requestTokenToResetPasswordEmail',
	method: 'POST',
	path: '/_matrix/client/v3/account/password/email/requestToken',
	auth: 'none',
	rateLimit: 'registration',
	body: requestTokenBody,
	handle() {
		throw noMail();
	},
});
