import {chooseLanguage, mailAddressPath} from '../../../web/index.ts';
import type {ClientRequest} from '../../addresses/index.ts';
import {MatrixError, type RateLimitClass} from '../../http/index.ts';
import {mailLanguage} from '../mail-language.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {authField, requirePassword} from './interactive-auth.ts';

/** Nobody registers by an address: every request gets this. */
const noMail = () =>
	new MatrixError('M_THREEPID_DENIED', 'No address is needed to register here, and none is asked for');

/** No session of an address that an identity server has validated exists, whatever its id. */
const notValidated = () => new MatrixError('M_THREEPID_AUTH_FAILED', 'No address was validated by this server');

const wantsBrowser = (page: string) =>
	new MatrixError('M_FORBIDDEN', `Remove the address at ${page}, or here within ten minutes of signing in there`);

const sessionFields = {client_secret: v.string({max: 255}), sid: v.string({max: 255})};

const requestTokenBody = v.object({
	client_secret: v.string({max: 255}),
	email: v.string({max: 500}),
	send_attempt: v.integer(),
});

const identifierBody = v.object({medium: v.string({max: 255}), address: v.string({max: 500})});

interface TokenRequest {
	readonly body: {readonly client_secret: string; readonly email: string; readonly send_attempt: number};
	readonly headers: {readonly 'accept-language'?: string | undefined};
	readonly spend: (limitClass: RateLimitClass, key: string) => void;
}

/** What a client wants a link for, counted with all of its class; it is written to in the language that it speaks. */
function readRequest({body, headers, spend}: TokenRequest, limitClass: RateLimitClass): ClientRequest {
	spend(limitClass, 'anybody');
	return {
		email: body.email,
		clientSecret: body.client_secret,
		sendAttempt: body.send_attempt,
		language: mailLanguage(chooseLanguage(undefined, headers['accept-language']).tag),
	};
}

/**
 * Lists the third-party identifiers of the caller's account: its e-mail address, where it has one.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3account3pid
 */
export const getAccount3pids = route({
	id: 'getAccount3PIDs',
	method: 'GET',
	path: '/_matrix/client/v3/account/3pid',
	auth: 'user',
	async handle({caller}, {addresses}) {
		const own = await addresses.find(caller.userId);
		if (own === undefined) return {threepids: []};
		const {address, addedTs} = own;
		return {threepids: [{medium: 'email', address, added_at: addedTs, validated_at: addedTs}]};
	},
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
 * Adds an address that was confirmed by a link.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3account3pidadd
 */
export const add3Pid = route({
	id: 'add3PID',
	method: 'POST',
	path: '/_matrix/client/v3/account/3pid/add',
	auth: 'user',
	body: v.object({...sessionFields, auth: authField}),
	async handle(request, services) {
		if (!services.addresses.areOn) throw notValidated();
		await requirePassword(request, services, {purpose: 'add3PID', target: request.body.sid});
		const {sid, client_secret: clientSecret} = request.body;
		await services.addresses.add(request.caller.userId, {sid, clientSecret});
		return {};
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
 * Removes the address of the caller's account; what it has not is as the caller wants it. The specification asks for no
 * proof here and has no place for one, so that whoever stole a token could remove the address at which its owner is warned.
 * So it is refused until the person has shown at a browser, in the last ten minutes, that it is they; there they can remove
 * it as well. The address is told of its removal.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3account3piddelete
 */
export const delete3Pid = route({
	id: 'delete3pidFromAccount',
	method: 'POST',
	path: '/_matrix/client/v3/account/3pid/delete',
	auth: 'user',
	body: identifierBody,
	async handle({caller: {userId}, body}, {addresses, webSessions, config}) {
		if (body.medium === 'email' && (await addresses.isOwn(userId, body.address))) {
			if (!(await webSessions.hasRecent(userId))) throw wantsBrowser(config.publicUrl + mailAddressPath);
			await addresses.remove(userId, body.address);
		}
		// None is bound to an identity server.
		return {id_server_unbind_result: 'success'};
	},
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
 * Sends a link to an address that somebody wants to add.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3account3pidemailrequesttoken
 */
export const requestTokenTo3PidEmail = route({
	id: 'requestTokenTo3PIDEmail',
	method: 'POST',
	path: '/_matrix/client/v3/account/3pid/email/requestToken',
	auth: 'none',
	rateLimit: 'mail-link',
	body: requestTokenBody,
	handle: async (request, {addresses}) => ({sid: await addresses.request(readRequest(request, 'mail-link-whole'))}),
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
 * Sends a link to who has forgotten their password. Everybody is answered alike, whoever has the address.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountpasswordemailrequesttoken
 */
export const requestTokenToResetPasswordEmail = route({
	id: 'requestTokenToResetPasswordEmail',
	method: 'POST',
	path: '/_matrix/client/v3/account/password/email/requestToken',
	auth: 'none',
	rateLimit: 'mail-link',
	body: requestTokenBody,
	handle: async (request, {recovery}) => ({
		sid: await recovery.requestByClient(readRequest(request, 'recovery-whole')),
	}),
});
