import {accountPath, newRecoveryCodes, recoveryCodesForm, recoveryCodesPath} from '../../../web/index.ts';
import {type PageAnswer, pageRoute, userOf} from './page-route.ts';

/** Says how many recovery codes are left. */
export const getRecoveryCodes = pageRoute({
	id: 'getRecoveryCodesPage',
	method: 'GET',
	path: recoveryCodesPath,
	access: 'changing',
	async handle({view, session}, {secondFactor}) {
		const {recoveryCodes, hasAny} = await secondFactor.find({userId: userOf(session), isAdmin: false});
		return {page: recoveryCodesForm(view, {left: recoveryCodes, hasFactor: hasAny})};
	},
});

/** Makes new recovery codes, and shows them this once. */
export const postRecoveryCodes = pageRoute({
	id: 'postRecoveryCodesPage',
	method: 'POST',
	path: recoveryCodesPath,
	access: 'changing',
	async handle({view, session}, {secondFactor}): Promise<PageAnswer> {
		const userId = userOf(session);
		if (!(await secondFactor.find({userId, isAdmin: false})).hasAny) return {to: recoveryCodesPath};
		const codes = await secondFactor.renewRecoveryCodes(userId, session.tokenHash);
		return {page: newRecoveryCodes(view, {codes, next: accountPath})};
	},
});
