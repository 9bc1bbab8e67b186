import type {DeviceId, UserId} from '../../../crypto/index.ts';
import type {CompletedAuth, Flow} from '../../accounts/index.ts';
import {MatrixError, type RateLimitClass, siteOf} from '../../http/index.ts';
import {PATHS} from '../../oauth/index.ts';
import type {Services} from '../../services.ts';
import {v} from '../../validation/index.ts';

/** A body's `auth`, as the specification's authentication data: further keys are the stage's. */
export const authField = v.optional(
	v.object({type: v.optional(v.string({max: 255})), session: v.optional(v.string({max: 255}))}),
);

/** The stage of the specification, and what it was called before. */
const approvalFlows: readonly Flow[] = [{stages: ['m.oauth']}, {stages: ['org.matrix.cross_signing_reset']}];

const passwordFlows: readonly Flow[] = [{stages: ['m.login.password']}];
const factorFlows: readonly Flow[] = [{stages: ['m.login.password', 'org.broadsheet.login.second_factor']}];

interface InteractiveRequest {
	readonly body: {readonly auth?: {readonly type?: string | undefined; readonly session?: string | undefined}};
	readonly caller: {readonly userId: UserId; readonly deviceId: DeviceId};
	readonly network: string;
	spend(limitClass: RateLimitClass, key: string): void;
}

/**
 * Lets a request go on once its caller has proven by the account's password, and
 * its second factor where it has one, that it is they who ask.
 * @param purpose the operation's id; a proof for one operation and target is none for another
 * @see https://spec.matrix.org/v1.19/client-server-api/#user-interactive-authentication-api
 * @throws AuthenticationRequired; MatrixError M_LIMIT_EXCEEDED after too many tries
 */
export async function requirePassword(
	request: InteractiveRequest,
	services: Services,
	{purpose, target = ''}: {readonly purpose: string; readonly target?: string},
): Promise<CompletedAuth> {
	const {uia, oauth, secondFactor} = services;
	const {auth} = request.body;
	const {userId, deviceId} = request.caller;
	if (await oauth.hasSession(userId, deviceId)) return requireApproval(request, services, purpose);
	if (auth?.type === 'm.login.password') {
		spendTry(request, userId);
	}
	const {hasAny} = await secondFactor.find({userId, isAdmin: false});
	const flows = hasAny ? factorFlows : passwordFlows;
	return uia.require({purpose, subject: userId, target, flows, auth, source: request.network});
}

/**
 * Lets a request of a session of the OAuth API go on once its person has approved it on the account's page. Replacing
 * cross-signing keys is all that there is a stage for: all else is done on the pages themselves.
 * @see https://spec.matrix.org/v1.19/client-server-api/#oauth-authentication
 */
function requireApproval(
	request: InteractiveRequest,
	{uia, config}: Services,
	purpose: string,
): Promise<CompletedAuth> {
	const {userId, deviceId} = request.caller;
	const account = config.publicUrl + PATHS.account;
	if (purpose !== 'uploadCrossSigningKeys') {
		throw new MatrixError('M_UNRECOGNIZED', `Of a session that was opened by OAuth this is done at ${account}`);
	}
	const paramsOf = (session: string) => {
		const search = new URLSearchParams({action: 'org.matrix.cross_signing_reset', session});
		const params = {url: `${account}?${search.toString()}`};
		return {'m.oauth': params, 'org.matrix.cross_signing_reset': params};
	};
	const {auth} = request.body;
	const source = request.network;
	return uia.require({purpose, subject: userId, target: deviceId, flows: approvalFlows, paramsOf, auth, source});
}

/**
 * Counts a try at a password, by the name that it is for and where it comes from: who guesses is stopped, and whose
 * name it is can still sign in from elsewhere.
 */
export function spendTry(
	request: {readonly network: string; spend(limitClass: RateLimitClass, key: string): void},
	name: string,
): void {
	request.spend('login-name', `${name}\0${request.network}`);
}

/**
 * Counts a try to sign in, whether anybody has the name or not. A device that the account has signed in with before has
 * tries of its own, so that no stranger, wherever they are, uses up its owner's; others are counted by place, by name and
 * place, and all together. Where a name is tried at from many places, each of them gets fewer tries, and none gets none.
 */
export async function spendSignIn(
	request: {
		readonly network: string;
		spend(limitClass: RateLimitClass, key: string): void;
		take(limitClass: RateLimitClass, key: string): boolean;
	},
	{devices}: Pick<Services, 'devices'>,
	{name, userId, deviceId}: {readonly name: string; readonly userId: UserId | undefined; readonly deviceId?: string},
): Promise<void> {
	const {network} = request;
	const isKnown =
		userId !== undefined && deviceId !== undefined && (await devices.isKnown(userId, deviceId as DeviceId));
	if (isKnown && request.take('login-device', `${userId}\0${deviceId}`)) return;
	request.spend('login', network);
	spendTry(request, name);
	// Last, so that who is refused by what is their own takes nothing from what is everybody's. And what is everybody's can be
	// used up by whoever has many places, so that a place that has not tried of late has a try of its own.
	if (!request.take('login-whole', '')) request.spend('login-besieged', siteOf(network));
	if (!request.take('login-name-everywhere', name)) request.spend('login-name-besieged', `${name}\0${network}`);
}
