import {newRecoveryCodes} from '../../../web/index.ts';
import type {Services} from '../../services.ts';
import type {Proof} from '../../web-sessions/index.ts';
import {type PageAnswer, type PageRequest, userOf} from './page-route.ts';
import {goOn} from './sign-in.ts';

/**
 * Goes on after a factor was set up, which has been proven by that: to where the person was going, by way of recovery codes
 * where they have none.
 */
export async function afterSetUp(
	{session, view}: Pick<PageRequest<unknown, unknown, unknown>, 'session' | 'view'>,
	{secondFactor, webSessions}: Services,
	{proof, next}: {readonly proof: Proof; readonly next: string},
): Promise<PageAnswer> {
	const userId = userOf(session);
	const proven = await webSessions.prove(session, userId, proof);
	const answer = goOn(proven, session.mustSetUp ? session.returnTo : next);
	const {recoveryCodes} = await secondFactor.find({userId, isAdmin: false});
	// Codes from before a first factor vouched for its person, and stand in for nothing.
	if ((recoveryCodes > 0 && !session.mustSetUp) || !('to' in answer)) return answer;
	const codes = await secondFactor.renewRecoveryCodes(userId, proven.tokenHash);
	const shown = {...view, csrf: proven.csrf, userId};
	return {session: proven, page: newRecoveryCodes(shown, {codes, next: answer.to})};
}
