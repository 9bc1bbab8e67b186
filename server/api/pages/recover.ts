import {
	problemPage,
	recoverAsked,
	recoverDone,
	recoverForm,
	recoverGone,
	recoverLinkForm,
	recoverPath,
	type TextKey,
} from '../../../web/index.ts';
import {AccountsError} from '../../accounts/index.ts';
import {MatrixError} from '../../http/index.ts';
import {type OpenedLink, RecoveryError, type RecoveryErrorCode} from '../../recovery/index.ts';
import {v} from '../../validation/index.ts';
import type {WebSession} from '../../web-sessions/index.ts';
import {mailLanguage} from '../mail-language.ts';
import {type PageAnswer, type PageRequest, pageRoute} from './page-route.ts';

const linkPath = `${recoverPath}/:token` as const;

/** As the mail says. */
const LINK_MINUTES = 30;

/** Shows where a link is asked for. */
export const getRecover = pageRoute({
	id: 'getRecoverPage',
	method: 'GET',
	path: recoverPath,
	access: 'anyone',
	handle: ({view}, {addresses}) => ({page: addresses.areOn ? recoverForm(view) : problemPage(view, 'recover.off')}),
});

/** Has a link sent. Every name and every address is answered alike: who has them is looked up afterwards. */
export const postRecover = pageRoute({
	id: 'postRecoverPage',
	method: 'POST',
	path: recoverPath,
	access: 'anyone',
	rateLimit: 'mail-link',
	fields: v.object({name: v.optional(v.string({max: 255}))}),
	async handle({view, session, fields: {name = ''}, spend}, {addresses, recovery}) {
		if (!addresses.areOn) return {page: problemPage(view, 'recover.off')};
		spend('recovery-whole', 'anybody');
		await recovery.request({
			name: name.trim(),
			askerHash: session.tokenHash,
			language: mailLanguage(view.language.tag),
		});
		return {page: recoverAsked(view, LINK_MINUTES)};
	},
});

/** Shows what a link asks for. Programs that open links in mails press no buttons, and use nothing up. */
export const getRecoverLink = pageRoute({
	id: 'getRecoverLinkPage',
	method: 'GET',
	path: linkPath,
	access: 'anyone',
	rateLimit: 'login',
	async handle(request, {recovery}) {
		const {view, session, parameters} = request;
		const opened = await recovery.open(parameters.token, session.tokenHash);
		return opened === undefined ? {page: recoverGone(view), status: 404} : {page: formOf(request, opened, undefined)};
	},
});

const problems: Readonly<Record<Exclude<RecoveryErrorCode, 'link-gone'>, {text: TextKey; status: number}>> = {
	'wrong-name': {text: 'recover.wrong', status: 403},
	'wrong-code': {text: 'recover.wrong', status: 403},
	'too-many-tries': {text: 'problem.limit', status: 429},
	'no-factor': {text: 'recover.noFactor', status: 403},
	'not-proven': {text: 'recover.gone', status: 404},
};

/** Sets a password by a link, or confirms to a client who opened it. */
export const postRecoverLink = pageRoute({
	id: 'postRecoverLinkPage',
	method: 'POST',
	path: linkPath,
	access: 'anyone',
	rateLimit: 'login',
	work: 'sign-in',
	fields: v.object({
		name: v.optional(v.string({max: 255})),
		code: v.optional(v.string({max: 40})),
		password: v.optional(v.string()),
		repeated: v.optional(v.string()),
		sign_out: v.optional(v.string()),
		act: v.optional(v.string()),
	}),
	async handle(request, {recovery}) {
		const {view, session, fields, parameters, network} = request;
		const {token} = parameters;
		const opened = await recovery.open(token, session.tokenHash);
		if (opened === undefined) return {page: recoverGone(view), status: 404};
		const {name = '', code = '', password = ''} = fields;
		const proof = {token, name, code, askerHash: session.tokenHash, passkeyOf: passkeyOf(session), source: network};
		const again = (text: TextKey, status: number): PageAnswer => ({page: formOf(request, opened, text), status});
		try {
			if (opened.purpose === 'password' && fields.act === 'take') {
				await recovery.takeFromClient(token);
				return {to: `${recoverPath}/${token}`};
			}
			if (opened.purpose === 'password') {
				await recovery.confirm(proof);
				return {page: recoverDone(view, 'recover.confirmed')};
			}
			if (password !== fields.repeated) return again('register.differ', 400);
			await recovery.setPassword(proof, password, {endsOtherSessions: fields.sign_out === 'yes'});
			return {page: recoverDone(view, 'recover.done')};
		} catch (error) {
			if (error instanceof AccountsError) return again(passwordProblems[error.code] ?? 'problem.request', 400);
			if (error instanceof MatrixError && error.errcode === 'M_LIMIT_EXCEEDED') return again('problem.limit', 429);
			if (!(error instanceof RecoveryError)) throw error;
			if (error.code === 'link-gone') return {page: recoverGone(view), status: 404};
			const {text, status} = problems[error.code];
			return again(text, status);
		}
	},
});

const passwordProblems: Readonly<Record<string, TextKey>> = {
	'weak-password': 'register.weak',
	'password-too-long': 'register.tooLong',
};

function formOf(
	{view, session}: Pick<PageRequest<unknown, unknown, unknown>, 'session' | 'view'>,
	{purpose, wantsName, factors}: OpenedLink,
	problem: TextKey | undefined,
) {
	const hasShownPasskey = passkeyOf(session) !== undefined;
	return recoverLinkForm(view, {
		setsPassword: purpose === 'recovery',
		wantsName,
		wantsCode: factors.hasAny && factors.hasCodes && !hasShownPasskey,
		hasPasskey: factors.hasPasskey && !hasShownPasskey,
		problem,
	});
}

/** Whose passkey a browser has shown lately. */
function passkeyOf({userId, proofs, isRecent}: WebSession): WebSession['userId'] {
	return isRecent && proofs.some(({proof}) => proof === 'passkey') ? userId : undefined;
}
