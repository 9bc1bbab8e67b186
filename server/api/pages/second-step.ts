import {
	chooseFactor,
	chooseFactorPath,
	passkeyPath,
	secondStepForm,
	secondStepPath,
	signInPath,
	type TextKey,
	vouchingForm,
} from '../../../web/index.ts';
import type {UserId} from '../../../crypto/index.ts';
import {SecondFactorError} from '../../second-factor/index.ts';
import type {Services} from '../../services.ts';
import {v} from '../../validation/index.ts';
import {ownPath, type Proof, type WebSession} from '../../web-sessions/index.ts';
import {type PageAnswer, type PageRequest, pageRoute} from './page-route.ts';
import {addressWith, goOn} from './sign-in.ts';

const query = v.object({return_to: v.optional(v.string({max: 8192}))});

/** The proofs of which one is asked for: what is missing, or what shows once more that it is they. */
function listAsked({isSignedIn, missing, renewing}: WebSession): readonly Proof[] {
	return isSignedIn ? renewing : missing;
}

/** Where somebody goes who is not to be asked for a factor here. */
function elsewhere(session: WebSession, returnTo: string | undefined): PageAnswer | undefined {
	if (session.userId === undefined) return {to: addressWith(signInPath, returnTo)};
	if (session.wantsVouching) return undefined;
	if (session.isFresh) return goOn(session, returnTo);
	if (session.mustSetUp) return {to: chooseFactorPath};
	return listAsked(session).includes('password') ? {to: addressWith(signInPath, returnTo)} : undefined;
}

/** Whether a code is asked for that vouches for somebody who has no factor: where there is one, there is a choice. */
function isVouching({missing, wantsVouching}: WebSession): boolean {
	return wantsVouching || (missing.length === 1 && missing[0] === 'recovery-code');
}

type Asked = Pick<
	PageRequest<unknown, {readonly return_to?: string | undefined}, unknown>,
	'session' | 'view' | 'query'
>;

function show(
	{session, view, query: {return_to: returnTo}}: Asked,
	{secondFactor}: Pick<Services, 'secondFactor'>,
	{problem, areAsked = false}: {readonly problem?: TextKey; readonly areAsked?: boolean} = {},
) {
	if (isVouching(session)) {
		return vouchingForm({...view, here: addressWith(secondStepPath, returnTo)}, {areAsked, problem});
	}
	const asked = listAsked(session);
	const mayUsePasskey = asked.includes('passkey') && secondFactor.passkeys.arePossible;
	return secondStepForm(
		{...view, here: addressWith(secondStepPath, returnTo)},
		{
			asksForCode: asked.includes('totp') || asked.includes('recovery-code'),
			passkeyHref: mayUsePasskey ? addressWith(passkeyPath, returnTo) : undefined,
			problem,
		},
	);
}

/** Asks who has shown a password for their second factor, and who is signed in to show it once more. */
export const getSecondStep = pageRoute({
	id: 'getSecondStepPage',
	method: 'GET',
	path: secondStepPath,
	access: 'anyone',
	query,
	handle: (request, services) => elsewhere(request.session, request.query.return_to) ?? {page: show(request, services)},
});

/**
 * What tries of somebody who is signed in are counted by: when they showed a factor in this browser. A cookie changes with
 * every password that is given, and whoever has stolen both would begin to count anew.
 */
function knownSource({proofs}: WebSession): string {
	const shown = proofs.filter(({proof}) => proof !== 'password' && proof !== 'upstream');
	return `browser ${shown.at(-1)?.atTs ?? ''}`;
}

/** Whether somebody has shown the password, and is not signed in by it. */
function hasShownPasswordAlone({isSignedIn, wantsVouching, proofs}: WebSession): boolean {
	return (!isSignedIn || wantsVouching) && proofs.some(({proof}) => proof === 'password');
}

/** Has the owner told of who guesses on; who mistypes once or twice is told nothing. */
function tellOwner({secondFactor}: Pick<Services, 'secondFactor'>, userId: UserId, mustWait: boolean): Promise<void> {
	return mustWait ? secondFactor.tellOfPassword(userId) : secondFactor.noteWrongCode(userId);
}

/** Takes a code. Whoever is signed in is not kept waiting by what strangers try. */
export const postSecondStep = pageRoute({
	id: 'postSecondStepPage',
	method: 'POST',
	path: secondStepPath,
	access: 'anyone',
	query,
	fields: v.object({act: v.optional(v.string()), code: v.optional(v.string({max: 100}))}),
	async handle(request, services): Promise<PageAnswer> {
		const {session, network, fields} = request;
		const returnTo = ownPath(request.query.return_to);
		const {userId, isSignedIn} = session;
		const next = elsewhere(session, returnTo);
		if (userId === undefined || next !== undefined) return next ?? {to: signInPath};
		if (fields.act === 'ask' && isVouching(session)) {
			request.spend('mail-link', `sessions of ${userId}`);
			await services.secondFactor.askSessions(userId);
			return {page: show(request, services, {areAsked: true})};
		}
		try {
			const isKnown = isSignedIn && !session.wantsVouching;
			const source = isKnown ? knownSource(session) : network;
			const attempt = {userId, code: fields.code ?? '', source, isKnown};
			const kind = await services.secondFactor.proveCode(attempt);
			return goOn(await services.webSessions.prove(session, userId, kind, {returnTo}), returnTo);
		} catch (error) {
			if (!(error instanceof SecondFactorError)) throw error;
			const mustWait = error.code === 'too-many-tries';
			if (hasShownPasswordAlone(session)) await tellOwner(services, userId, mustWait);
			const problem = mustWait ? 'problem.limit' : 'factor.wrong';
			return {page: show(request, services, {problem}), status: mustWait ? 429 : 403};
		}
	},
});

/** Lets who must have a second factor choose one. */
export const getChooseFactor = pageRoute({
	id: 'getChooseFactorPage',
	method: 'GET',
	path: chooseFactorPath,
	access: 'setting-up',
	handle: ({view}, {secondFactor}) => ({page: chooseFactor(view, {hasPasskeys: secondFactor.passkeys.arePossible})}),
});
