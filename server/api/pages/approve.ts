import type {UserId} from '../../../crypto/index.ts';
import {approveDone, approveForm, type TextKey, waitingList, waitingPath} from '../../../web/index.ts';
import {QuarantineError, type WaitingSession} from '../../quarantine/index.ts';
import {SecondFactorError} from '../../second-factor/index.ts';
import type {Services} from '../../services.ts';
import {v} from '../../validation/index.ts';
import type {WebSession} from '../../web-sessions/index.ts';
import {type PageAnswer, type PageRequest, pageRoute} from './page-route.ts';

const linkPath = '/account/approve/:token';

/** Approves a session, or signs it out. */
async function decide(
	{devices}: Pick<Services, 'devices'>,
	{userId, deviceId}: Pick<WaitingSession, 'deviceId' | 'userId'>,
	{act, approve}: {readonly act: string | undefined; readonly approve: () => Promise<void>},
): Promise<'approve.done' | 'approve.gone' | 'approve.refused'> {
	if (act !== 'approve' && act !== 'refuse') return 'approve.gone';
	if (act === 'refuse') {
		await devices.remove(userId, [deviceId]);
		return 'approve.refused';
	}
	try {
		await approve();
		return 'approve.done';
	} catch (error) {
		if (!(error instanceof QuarantineError)) throw error;
		return 'approve.gone';
	}
}

/** Shows the session that a notice tells of. The link is the proof: only the person's other sessions see it. */
export const getApprove = pageRoute({
	id: 'getApprovePage',
	method: 'GET',
	path: linkPath,
	access: 'address',
	rateLimit: 'login',
	async handle({view, parameters}, {quarantine}) {
		const session = await quarantine.findByLink(parameters.token);
		return session === undefined
			? {page: approveDone(view, 'approve.gone'), status: 404}
			: {page: approveForm(view, session)};
	},
});

/** Approves the session, or signs it out. */
export const postApprove = pageRoute({
	id: 'postApprovePage',
	method: 'POST',
	path: linkPath,
	access: 'address',
	rateLimit: 'login',
	fields: v.object({act: v.optional(v.string())}),
	async handle({view, parameters, fields}, services) {
		const {quarantine} = services;
		const session = await quarantine.findByLink(parameters.token);
		const approve = () => quarantine.approveByLink(parameters.token);
		const text = session === undefined ? 'approve.gone' : await decide(services, session, {act: fields.act, approve});
		return {page: approveDone(view, text), status: text === 'approve.gone' ? 404 : 200};
	},
});

/** Finds the session that a form was shown for: another one may wait under its device id by now. */
async function findWaiting(
	{quarantine}: Services,
	userId: UserId,
	{device_id: deviceId, since_ts: sinceTs}: {readonly device_id?: string; readonly since_ts?: string},
): Promise<WaitingSession | undefined> {
	const waiting = await quarantine.list(userId);
	return waiting.find((session) => session.deviceId === deviceId && String(session.sinceTs) === sinceTs);
}

/** Whether a browser has shown more than a password: that is what waiting is there for. */
function hasFactor({proofs}: WebSession): boolean {
	return proofs.some(({proof}) => proof === 'passkey' || proof === 'totp' || proof === 'recovery-code');
}

/**
 * Whether a browser approves a session, or signs it out, without a code. Whoever knows the password alone would sign its
 * owner's new session out, and sign in by the same device id: the owner approves what they take for theirs.
 */
function mayDecide(session: WebSession, act: string | undefined): boolean {
	return hasFactor(session) || (act !== 'approve' && !session.wantsVouching);
}

async function show(
	{view, session}: Pick<PageRequest<unknown, unknown, unknown>, 'session' | 'view'>,
	{quarantine}: Services,
	{problem, status}: {problem?: TextKey; status?: number} = {},
): Promise<PageAnswer> {
	const sessions = session.userId === undefined ? [] : await quarantine.list(session.userId);
	const page = waitingList(view, {sessions, wantsCode: !hasFactor(session), problem});
	return {page, ...(status !== undefined && {status})};
}

/** Shows people which of their sessions wait. */
export const getWaiting = pageRoute({
	id: 'getWaitingPage',
	method: 'GET',
	path: waitingPath,
	access: 'recently-proven',
	handle: (request, services) => show(request, services),
});

/** Approves a session, or signs it out, by a second factor or a recovery code. */
export const postWaiting = pageRoute({
	id: 'postWaitingPage',
	method: 'POST',
	path: waitingPath,
	access: 'recently-proven',
	rateLimit: 'login',
	fields: v.object({
		act: v.optional(v.string()),
		device_id: v.optional(v.string({max: 255})),
		since_ts: v.optional(v.string({max: 20})),
		code: v.optional(v.string({max: 40})),
	}),
	async handle(request, services) {
		const {session, fields, view} = request;
		const {userId} = session;
		const waiting = userId && (await findWaiting(services, userId, fields));
		if (waiting === undefined) {
			return {page: approveDone(view, 'approve.gone'), status: 404};
		}
		if (!mayDecide(session, fields.act)) {
			try {
				const attempt = {userId: waiting.userId, code: fields.code ?? '', source: request.network, isKnown: false};
				await services.secondFactor.proveCode(attempt);
			} catch (error) {
				if (!(error instanceof SecondFactorError)) throw error;
				const isLimit = error.code === 'too-many-tries';
				const problem = isLimit ? 'problem.limit' : 'factor.wrong';
				return show(request, services, {problem, status: isLimit ? 429 : 403});
			}
		}
		const approve = () => services.quarantine.approve(waiting);
		return {page: approveDone(view, await decide(services, waiting, {act: fields.act, approve}))};
	},
});
