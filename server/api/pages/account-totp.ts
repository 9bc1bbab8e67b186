import {confirmTotpPath, totpOverview, totpPath, totpSetUpForm} from '../../../web/index.ts';
import {SecondFactorError} from '../../second-factor/index.ts';
import {v} from '../../validation/index.ts';
import {afterSetUp} from './after-set-up.ts';
import {type PageAnswer, pageRoute, userOf} from './page-route.ts';

/** Says whether somebody has a code generator. */
export const getTotp = pageRoute({
	id: 'getTotpPage',
	method: 'GET',
	path: totpPath,
	access: 'setting-up',
	async handle({view, session}, {secondFactor}) {
		const {hasTotp} = await secondFactor.find({userId: userOf(session), isAdmin: false});
		return {page: totpOverview(view, {isSetUp: hasTotp})};
	},
});

/**
 * Begins to set up a code generator, or removes it. A secret is shown to who has begun alone: one that somebody else began
 * to set up, and has seen, is never confirmed by mistake.
 */
export const postTotp = pageRoute({
	id: 'postTotpPage',
	method: 'POST',
	path: totpPath,
	access: 'setting-up',
	fields: v.object({action: v.optional(v.string())}),
	async handle({view, session, fields}, {secondFactor}): Promise<PageAnswer> {
		const userId = userOf(session);
		if (fields.action === 'remove') {
			await secondFactor.removeTotp(userId, session.tokenHash);
			return {page: totpOverview(view, {isSetUp: false, isDone: true})};
		}
		try {
			return {page: totpSetUpForm(view, {...(await secondFactor.beginTotp(userId)), problem: undefined})};
		} catch (error) {
			if (error instanceof SecondFactorError && error.code === 'totp-exists') return {to: totpPath};
			throw error;
		}
	},
});

/** Confirms a code generator by its first code. */
export const postConfirmTotp = pageRoute({
	id: 'postConfirmTotpPage',
	method: 'POST',
	path: confirmTotpPath,
	access: 'setting-up',
	fields: v.object({code: v.optional(v.string({max: 100}))}),
	async handle(request, services): Promise<PageAnswer> {
		const {view, session, fields} = request;
		const {secondFactor} = services;
		const userId = userOf(session);
		try {
			await secondFactor.confirmTotp(
				userId,
				(fields.code ?? '').replaceAll(/\s/gu, ''),
				`browser ${session.tokenHash}`,
			);
		} catch (error) {
			if (!(error instanceof SecondFactorError)) throw error;
			const setUp = await secondFactor.findTotpSetUp(userId);
			if (setUp === undefined) return {to: totpPath};
			const mustWait = error.code === 'too-many-tries';
			const problem = mustWait ? 'problem.limit' : 'factor.wrong';
			return {page: totpSetUpForm(view, {...setUp, problem}), status: mustWait ? 429 : 403};
		}
		return afterSetUp(request, services, {proof: 'totp', next: totpPath});
	},
});
