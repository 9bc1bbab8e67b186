import {
	confirmAddressDone,
	confirmAddressForm,
	mailAddressForm,
	mailAddressPath,
	problemPage,
	type TextKey,
} from '../../../web/index.ts';
import {AddressesError} from '../../addresses/index.ts';
import type {Services} from '../../services.ts';
import {v} from '../../validation/index.ts';
import {mailLanguage} from '../mail-language.ts';
import {type PageAnswer, type PageRequest, pageRoute} from './page-route.ts';

const confirmPath = `${mailAddressPath}/confirm/:token` as const;

async function show(
	{view, session}: Pick<PageRequest<unknown, unknown, unknown>, 'session' | 'view'>,
	{addresses}: Services,
	{isSent = false, problem, status}: {isSent?: boolean; problem?: TextKey; status?: number} = {},
): Promise<PageAnswer> {
	if (!addresses.areOn) return {page: problemPage(view, 'address.off')};
	const own = session.userId === undefined ? undefined : await addresses.find(session.userId);
	const page = mailAddressForm(view, {address: own?.address, isSent, problem});
	return {page, ...(status !== undefined && {status})};
}

/** Shows people their address. */
export const getMailAddress = pageRoute({
	id: 'getMailAddressPage',
	method: 'GET',
	path: mailAddressPath,
	access: 'changing',
	handle: (request, services) => show(request, services),
});

/** Has a link sent to a new address, or removes the one there is. */
export const postMailAddress = pageRoute({
	id: 'postMailAddressPage',
	method: 'POST',
	path: mailAddressPath,
	access: 'changing',
	rateLimit: 'mail-link',
	fields: v.object({act: v.optional(v.string()), email: v.optional(v.string({max: 500}))}),
	async handle(request, services) {
		const {session, view, fields, spend} = request;
		const {userId} = session;
		if (userId === undefined || !services.addresses.areOn) return show(request, services);
		if (fields.act === 'remove') {
			await services.addresses.remove(userId);
			return show(request, services);
		}
		spend('mail-link-whole', 'people');
		try {
			await services.addresses.requestFor(userId, fields.email ?? '', mailLanguage(view.language.tag));
		} catch (error) {
			if (!(error instanceof AddressesError)) throw error;
			return show(request, services, {problem: 'address.invalid', status: 400});
		}
		return show(request, services, {isSent: true});
	},
});

/** Shows the button by which an address is confirmed. The link is the proof. */
export const getConfirmAddress = pageRoute({
	id: 'getConfirmAddressPage',
	method: 'GET',
	path: confirmPath,
	access: 'address',
	rateLimit: 'login',
	async handle({view, parameters}, {addresses}) {
		return (await addresses.isGood(parameters.token))
			? {page: confirmAddressForm(view)}
			: {page: problemPage(view, 'recover.gone'), status: 404};
	},
});

/** Confirms an address. */
export const postConfirmAddress = pageRoute({
	id: 'postConfirmAddressPage',
	method: 'POST',
	path: confirmPath,
	access: 'address',
	rateLimit: 'login',
	async handle({view, parameters}, {addresses}) {
		try {
			return {page: confirmAddressDone(view, `address.${await addresses.confirm(parameters.token)}`)};
		} catch (error) {
			if (!(error instanceof AddressesError)) throw error;
			return {page: problemPage(view, 'recover.gone'), status: 404};
		}
	},
});
