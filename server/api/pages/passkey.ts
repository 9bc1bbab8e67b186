import {passkeyForm, passkeyPath, problemPage, type TextKey} from '../../../web/index.ts';
import {SecondFactorError} from '../../second-factor/index.ts';
import type {Services} from '../../services.ts';
import {v} from '../../validation/index.ts';
import {ownPath} from '../../web-sessions/index.ts';
import {type PageAnswer, type PageRequest, pageRoute} from './page-route.ts';
import {addressWith, goOn} from './sign-in.ts';

/** What a browser says of a passkey is some kilobytes. */
export const ANSWER_CHARACTERS_MAX = 12_000;

const query = v.object({return_to: v.optional(v.string({max: 8192}))});

type Asked = Pick<
	PageRequest<unknown, {readonly return_to?: string | undefined}, unknown>,
	'session' | 'view' | 'query' | 'network' | 'spend'
>;

/** Asks for a passkey: of whom the browser is known to be, or of whoever has one. */
async function show(request: Asked, {secondFactor}: Services, problem: TextKey | undefined): Promise<PageAnswer> {
	const {session, view, query: asked, network, spend} = request;
	if (!secondFactor.passkeys.arePossible) return {page: problemPage(view, 'passkey.notHere'), status: 404};
	spend('login', network);
	const options = await secondFactor.passkeys.beginAuthentication(session.tokenHash, session.userId);
	const here = addressWith(passkeyPath, asked.return_to);
	return {page: passkeyForm({...view, here}, {options, problem}), status: problem === undefined ? 200 : 403};
}

/** Asks for a passkey, which signs its person in by itself. */
export const getPasskey = pageRoute({
	id: 'getPasskeyPage',
	method: 'GET',
	path: passkeyPath,
	access: 'anyone',
	query,
	handle: (request, services) =>
		request.session.isFresh ? goOn(request.session, request.query.return_to) : show(request, services, undefined),
});

/** Takes what the browser says of a passkey. */
export const postPasskey = pageRoute({
	id: 'postPasskeyPage',
	method: 'POST',
	path: passkeyPath,
	access: 'anyone',
	query,
	fields: v.object({passkey: v.optional(v.string({max: ANSWER_CHARACTERS_MAX}))}),
	async handle(request, services): Promise<PageAnswer> {
		const {session, fields} = request;
		const {secondFactor, webSessions} = services;
		const returnTo = ownPath(request.query.return_to);
		try {
			const answer = {session: session.tokenHash, answer: fields.passkey ?? '', userId: session.userId};
			const userId = await secondFactor.passkeys.authenticate(answer);
			return goOn(await webSessions.prove(session, userId, 'passkey', {returnTo}), returnTo);
		} catch (error) {
			if (!(error instanceof SecondFactorError)) throw error;
			return show(request, services, 'passkey.wrong');
		}
	},
});
