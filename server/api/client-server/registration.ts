import type {UserId} from '../../../crypto/index.ts';
import {type Accounts, type CompletedAuth, type Flow, nameTaken} from '../../accounts/index.ts';
import type {Config} from '../../config/index.ts';
import type {DeviceRequest} from '../../devices/index.ts';
import {MatrixError, type RateLimitClass, siteOf} from '../../http/index.ts';
import type {Services} from '../../services.ts';
import type {FactAsker} from '../../visibility/index.ts';
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
async function checkName(username: string, network: string, services: Services): Promise<UserId> {
	const {accounts, config} = services;
	const userId = accounts.checkNewName(username);
	if (config.registration !== 'open') return userId;
	await learnName(services, [{kind: 'address', name: siteOf(network), hasToken: false}], userId);
	if (await accounts.isNameTaken(userId)) {
		throw nameTaken();
	}
	return userId;
}

/**
 * Counts that somebody is about to learn whether a name is taken, before it is looked up. Who has asked for as many as a
 * day allows can still have a name that this server invents.
 * @throws FactsSpentError
 */
async function learnName({facts, visibility}: Services, askers: readonly FactAsker[], userId: UserId): Promise<void> {
	// Where everybody may know of everybody, there is nothing to count.
	if (visibility.isOpen('profiles')) return;
	for (const asker of askers) await facts.learn({asker, topic: 'name'}, [userId]);
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
	async handle(request, services) {
		const {query, body, address, network} = request;
		const {uia, config} = services;
		if (query.kind === 'guest') {
			throw new MatrixError('M_GUEST_ACCESS_FORBIDDEN', 'This server has no guests');
		}
		const flows = registrationFlows(config);
		// A stage that is tried tells of the token what the endpoint for that would.
		if (body.auth?.type === 'm.login.registration_token') request.spend('registration-token', network);
		const chosen = body.username === undefined ? undefined : await checkName(body.username, network, services);
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
			const tokenHash = completed.session.completed.get('m.login.registration_token');
			const {userId, session} = await openAccount(request, services, {
				chosen,
				password: body.password,
				tokenHash,
				device: body.inhibit_login === true ? undefined : toDeviceRequest(body),
			});
			return session === undefined ? {user_id: userId} : sessionBody(session);
		});
	},
});

/** An account for somebody who has shown a right to one. */
interface NewAccount {
	/** Absent: this server invents a name. */
	readonly chosen: UserId | undefined;
	readonly password: string;
	/** The hash of the registration token that gives the right. */
	readonly tokenHash: string | undefined;
	/** Absent: no session is opened. */
	readonly device?: DeviceRequest | undefined;
}

/**
 * Makes an account, and counts what is learnt by that.
 * @throws AccountsError; FactsSpentError; MatrixError M_LIMIT_EXCEEDED
 */
export async function openAccount(
	request: {readonly network: string; spend(limitClass: RateLimitClass, key: string): void},
	services: Services,
	{chosen, password, tokenHash, device}: NewAccount,
): ReturnType<Accounts['register']> {
	const {accounts} = services;
	const userId = chosen ?? accounts.inventName();
	const askers = listAskers(request.network, tokenHash);
	if (chosen !== undefined) await learnName(services, askers, userId);
	request.spend('registration-whole', '');
	// Told before the password is hashed, so that a taken name costs as little as it should.
	if (await accounts.isNameTaken(userId)) {
		throw nameTaken();
	}
	const made = await accounts.register({userId, password, registrationTokenHash: tokenHash, device});
	// Who has the name now has learnt of nobody.
	for (const asker of askers) services.facts.giveBack({asker, topic: 'name'}, userId);
	return made;
}

/** Who learns by registering: the place it is done from, and whoever holds the token. */
function listAskers(network: string, tokenHash: string | undefined): FactAsker[] {
	const asker: FactAsker = {kind: 'address', name: siteOf(network), hasToken: tokenHash !== undefined};
	return tokenHash === undefined ? [asker] : [{kind: 'token', name: tokenHash}, asker];
}

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
	async handle({query, network}, services) {
		registrationFlows(services.config);
		await checkName(query.username, network, services);
		return {available: true};
	},
});
