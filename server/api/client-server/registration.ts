import type {UserId} from '../../../crypto/index.ts';
import {type CompletedAuth, type Flow, nameTaken} from '../../accounts/index.ts';
import type {Config} from '../../config/index.ts';
import {MatrixError} from '../../http/index.ts';
import type {Services} from '../../services.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {deviceFields, sessionBody, toDeviceRequest} from './device-fields.ts';
import {authField} from './interactive-auth.ts';

const flowsOf: Readonly<Record<Config['registration'], readonly Flow[] | undefined>> = {
	closed: undefined,
	token: [{stages: ['m.login.registration_token']}],
	open: [{stages: ['m.login.dummy']}],
};

/** The flows of registration. @throws MatrixError M_FORBIDDEN for everybody, before anything is looked up */
function registrationFlows({registration}: Config): readonly Flow[] {
	const flows = flowsOf[registration];
	if (flows === undefined) {
		throw new MatrixError('M_FORBIDDEN', 'Registration is closed on this server');
	}
	return flows;
}

/**
 * Checks a name before anybody has shown a right to register. With tokens only its form is looked at: whether it is
 * taken is a fact about people, for those who hold a token.
 */
async function checkName(username: string, {accounts, config}: Services): Promise<UserId> {
	const userId = accounts.checkNewName(username);
	if (config.registration === 'open' && (await accounts.isNameTaken(userId))) {
		throw nameTaken();
	}
	return userId;
}

/**
 * Makes an account. Deviation: with `registration: token` M_USER_IN_USE comes after the token stage and not before it,
 * since the answer would tell strangers who is here (test 'a taken name is told only to who holds a token').
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3register
 */
export const register = route({
	id: 'register',
	method: 'POST',
	path: '/_matrix/client/v3/register',
	auth: 'none',
	rateLimit: 'registration',
	query: v.object({kind: v.optional(v.literal('user', 'guest'))}),
	body: v.object({
		username: v.optional(v.string()),
		password: v.optional(v.string()),
		inhibit_login: v.optional(v.boolean()),
		auth: authField,
		...deviceFields,
	}),
	async handle({query, body, address}, services) {
		const {uia, accounts, config} = services;
		if (query.kind === 'guest') {
			throw new MatrixError('M_GUEST_ACCESS_FORBIDDEN', 'This server has no guests');
		}
		const flows = registrationFlows(config);
		const chosen = body.username === undefined ? undefined : await checkName(body.username, services);
		const completed = await uia.require({
			purpose: 'register',
			subject: undefined,
			flows,
			auth: body.auth,
			source: address,
		});
		return keepingAuth(services, completed, async () => {
			if (body.password === undefined) {
				throw new MatrixError('M_MISSING_PARAM', 'Expected a password');
			}
			const userId = chosen ?? accounts.inventName();
			// Told before the password is hashed, so that a taken name costs as little as it should.
			if (await accounts.isNameTaken(userId)) {
				throw nameTaken();
			}
			const {session} = await accounts.register({
				userId,
				password: body.password,
				registrationTokenHash: completed.session.completed.get('m.login.registration_token'),
				device: body.inhibit_login === true ? undefined : toDeviceRequest(body),
			});
			return session === undefined ? {user_id: userId} : sessionBody(session);
		});
	},
});

/** Whoever completed a flow and is refused for another reason, such as a taken name, need not complete it again. */
async function keepingAuth(
	{uia}: Services,
	completed: CompletedAuth,
	operation: () => Promise<object>,
): Promise<object> {
	try {
		return await operation();
	} catch (error) {
		uia.reopen(completed);
		throw error;
	}
}

/**
 * Says whether a name could be registered. Deviation: with `registration: token` every name of the right form is
 * called available; who holds a token is told the truth when registering.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3registeravailable
 */
export const checkUsernameAvailability = route({
	id: 'checkUsernameAvailability',
	method: 'GET',
	path: '/_matrix/client/v3/register/available',
	auth: 'none',
	rateLimit: 'registration-check',
	query: v.object({username: v.string()}),
	async handle({query}, services) {
		registrationFlows(services.config);
		await checkName(query.username, services);
		return {available: true};
	},
});
