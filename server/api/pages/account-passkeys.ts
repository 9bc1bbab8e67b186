import {
	addPasskeyForm,
	addPasskeyPath,
	passkeyList,
	passkeysPath,
	problemPage,
	type TextKey,
} from '../../../web/index.ts';
import type {UserId} from '../../../crypto/index.ts';
import {SecondFactorError, type SecondFactorErrorCode} from '../../second-factor/index.ts';
import type {Services} from '../../services.ts';
import {v} from '../../validation/index.ts';
import {afterSetUp} from './after-set-up.ts';
import {type PageAnswer, type PageRequest, pageRoute, userOf} from './page-route.ts';
import {ANSWER_CHARACTERS_MAX} from './passkey.ts';

const problems: {readonly [Code in SecondFactorErrorCode]?: TextKey} = {
	'invalid-name': 'passkeys.badName',
	'passkey-exists': 'passkeys.exists',
	'too-many-passkeys': 'passkeys.tooMany',
	'last-way-in': 'account.lastWayIn',
	'wrong-passkey': 'passkey.wrong',
};

function problemOf(error: unknown): TextKey {
	const problem = error instanceof SecondFactorError ? problems[error.code] : undefined;
	if (problem === undefined) throw error;
	return problem;
}

async function list(
	view: PageRequest<unknown, unknown, unknown>['view'],
	{secondFactor: {passkeys}}: Services,
	userId: UserId,
	problem?: TextKey,
): Promise<PageAnswer> {
	const page = passkeyList(view, {passkeys: await passkeys.list(userId), canAdd: passkeys.arePossible, problem});
	return {page, status: problem === undefined ? 200 : 400};
}

/** Shows people their passkeys. */
export const getPasskeys = pageRoute({
	id: 'getPasskeysPage',
	method: 'GET',
	path: passkeysPath,
	access: 'changing',
	handle: ({view, session}, services) => list(view, services, userOf(session)),
});

/** Renames or removes a passkey. */
export const postPasskeys = pageRoute({
	id: 'postPasskeysPage',
	method: 'POST',
	path: passkeysPath,
	access: 'changing',
	fields: v.object({
		action: v.optional(v.string()),
		credential: v.optional(v.string({max: 2000})),
		name: v.optional(v.string({max: 1000})),
	}),
	async handle({view, session, fields}, services): Promise<PageAnswer> {
		const userId = userOf(session);
		const {action, credential = '', name = ''} = fields;
		const {secondFactor} = services;
		try {
			if (action === 'remove') await secondFactor.removePasskey(userId, credential, session.tokenHash);
			else await secondFactor.passkeys.rename(userId, credential, name);
		} catch (error) {
			// What is gone already is not shown any more.
			if (!(error instanceof SecondFactorError && error.code === 'unknown-passkey')) {
				return list(view, services, userId, problemOf(error));
			}
		}
		return {to: passkeysPath};
	},
});

async function ask(
	{view, session}: Pick<PageRequest<unknown, unknown, unknown>, 'view' | 'session'>,
	{secondFactor: {passkeys}}: Services,
	{name, problem}: {readonly name: string; readonly problem?: TextKey},
): Promise<PageAnswer> {
	if (!passkeys.arePossible) return {page: problemPage(view, 'passkey.notHere'), status: 404};
	const options = await passkeys.beginRegistration(userOf(session), session.tokenHash);
	return {page: addPasskeyForm(view, {options, name, problem}), status: problem === undefined ? 200 : 400};
}

/** Has the browser make a passkey. */
export const getAddPasskey = pageRoute({
	id: 'getAddPasskeyPage',
	method: 'GET',
	path: addPasskeyPath,
	access: 'setting-up',
	async handle(request, services): Promise<PageAnswer> {
		try {
			return await ask(request, services, {name: ''});
		} catch (error) {
			return list(request.view, services, userOf(request.session), problemOf(error));
		}
	},
});

/** Keeps the passkey that the browser made. */
export const postAddPasskey = pageRoute({
	id: 'postAddPasskeyPage',
	method: 'POST',
	path: addPasskeyPath,
	access: 'setting-up',
	fields: v.object({
		passkey: v.optional(v.string({max: ANSWER_CHARACTERS_MAX})),
		name: v.optional(v.string({max: 1000})),
	}),
	async handle(request, services): Promise<PageAnswer> {
		const {session, fields} = request;
		const {passkey = '', name = ''} = fields;
		const registration = {userId: userOf(session), session: session.tokenHash, answer: passkey, name};
		try {
			await services.secondFactor.addPasskey(registration);
		} catch (error) {
			return ask(request, services, {name, problem: problemOf(error)});
		}
		return afterSetUp(request, services, {proof: 'passkey', next: passkeysPath});
	},
});
