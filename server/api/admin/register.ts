import {SHARED_SECRET} from '../../audit/index.ts';
import {MatrixError} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {sessionBody} from '../client-server/index.ts';
import {route} from '../route.ts';

const path = '/_synapse/admin/v1/register';

function checkIsEnabled({isSet}: {readonly isSet: boolean}): void {
	if (!isSet) {
		throw new MatrixError('M_UNKNOWN', 'Shared-secret registration is not enabled', {status: 400});
	}
}

/** Gives a nonce for the registration below, as Synapse does. */
export const getRegistrationNonce = route({
	id: 'getRegistrationNonce',
	method: 'GET',
	path,
	auth: 'none',
	rateLimit: 'registration',
	handle(_request, {sharedSecret}) {
		checkIsEnabled(sharedSecret);
		return {nonce: sharedSecret.createNonce()};
	},
});

/** Makes an account for who knows the server's shared secret, as Synapse does and its tools expect. */
export const registerWithSharedSecret = route({
	id: 'registerWithSharedSecret',
	method: 'POST',
	path,
	auth: 'none',
	rateLimit: 'registration',
	body: v.object({
		nonce: v.string(),
		username: v.string(),
		displayname: v.optional(v.string()),
		password: v.string(),
		admin: v.optional(v.boolean()),
		user_type: v.optional(v.nullable(v.string())),
		mac: v.string(),
	}),
	async handle({body}, {sharedSecret, accounts, audit, profiles}) {
		checkIsEnabled(sharedSecret);
		const {nonce, username, password, mac} = body;
		const isAdmin = body.admin ?? false;
		if (!sharedSecret.check({nonce, username, password, isAdmin, userType: body.user_type ?? undefined, mac})) {
			throw new MatrixError('M_FORBIDDEN', 'The nonce or the HMAC is not right');
		}
		const userId = accounts.checkNewName(username);
		const {session} = await accounts.register({
			userId,
			password,
			isAdmin,
			device: {wantsRefresh: false},
			alsoWrite: (batch) =>
				audit.note(batch, {who: SHARED_SECRET, act: 'create-account', whom: userId, details: {admin: isAdmin}}),
		});
		if (body.displayname !== undefined) {
			await profiles.setField(userId, 'displayname', body.displayname);
		}
		return session === undefined
			? {user_id: userId}
			: {...sessionBody(session), home_server: userId.slice(userId.indexOf(':') + 1)};
	},
});
