import type {UserId} from '../../../crypto/index.ts';
import type {CompletedAuth, Flow} from '../../accounts/index.ts';
import type {RateLimitClass} from '../../http/index.ts';
import type {Services} from '../../services.ts';
import {v} from '../../validation/index.ts';

/** A body's `auth`, as the specification's authentication data: further keys are the stage's. */
export const authField = v.optional(
	v.object({type: v.optional(v.string({max: 255})), session: v.optional(v.string({max: 255}))}),
);

const passwordFlows: readonly Flow[] = [{stages: ['m.login.password']}];

interface InteractiveRequest {
	readonly body: {readonly auth?: {readonly type?: string | undefined; readonly session?: string | undefined}};
	readonly caller: {readonly userId: UserId};
	readonly address: string;
	spend(limitClass: RateLimitClass, key: string): void;
}

/**
 * Lets a request go on once its caller has proven by the account's password that it is they who ask.
 * @param purpose the operation's id; a proof for one operation and target is none for another
 * @see https://spec.matrix.org/v1.19/client-server-api/#user-interactive-authentication-api
 * @throws AuthenticationRequired; MatrixError M_LIMIT_EXCEEDED after too many tries
 */
export function requirePassword(
	request: InteractiveRequest,
	{uia}: Services,
	{purpose, target = ''}: {readonly purpose: string; readonly target?: string},
): Promise<CompletedAuth> {
	const {auth} = request.body;
	const {userId} = request.caller;
	if (auth?.type === 'm.login.password') {
		spendTry(request, userId);
	}
	return uia.require({purpose, subject: userId, target, flows: passwordFlows, auth, source: request.address});
}

/**
 * Counts a try at a password, by the name that it is for and where it comes from: who guesses is stopped, and whose
 * name it is can still sign in from elsewhere.
 */
export function spendTry(
	request: {readonly address: string; spend(limitClass: RateLimitClass, key: string): void},
	name: string,
): void {
	request.spend('login-name', `${name}\0${request.address}`);
}
