import {html} from './html.ts';
import {back} from './account/parts.ts';
import type {TextKey} from './languages/index.ts';
import {alert, code, form, type Page, page, type View} from './page.ts';
import {say} from './text.ts';

/** Where people give an e-mail address, and take it back. */
export const mailAddressPath = '/account/email';

/** What people see of their address. */
export function mailAddressForm(
	view: View,
	{
		address,
		isSent,
		problem,
	}: {
		readonly address: string | undefined;
		/** Whether a link was just asked for. */
		readonly isSent: boolean;
		readonly problem: TextKey | undefined;
	},
): Page {
	const {language} = view;
	const current =
		address === undefined ? say(language, 'address.none') : say(language, 'address.current', {address: code(address)});
	const removal = form(
		view,
		html`<button class="second" name="act" value="remove">${say(language, 'address.remove')}</button>`,
	);
	return page(
		view,
		say(language, 'address.title'),
		html`<p>${say(language, 'address.intro')}</p>
${alert(view, problem)}
${isSent ? html`<p role="status">${say(language, 'address.sent')}</p>` : html``}
<p>${current}</p>
${address === undefined ? html`` : removal}
${form(
	view,
	html`<label for="email">${say(language, 'address.field')}</label>
<input id="email" name="email" type="email" required dir="ltr" autocomplete="email" maxlength="254">
<button name="act" value="set">${say(language, 'address.submit')}</button>`,
)}
${back(view)}`,
	);
}

/** Where the link in a mail leads: programs that open links press no buttons. */
export function confirmAddressForm(view: View): Page {
	const {language} = view;
	return page(
		view,
		say(language, 'address.confirmTitle'),
		html`<p>${say(language, 'address.confirm')}</p>
${form(view, html`<button>${say(language, 'address.confirmSubmit')}</button>`)}`,
	);
}

/** What has come of the link. */
export function confirmAddressDone(view: View, text: 'address.added' | 'address.confirmed'): Page {
	const {language} = view;
	return page(view, say(language, 'address.confirmTitle'), html`<p role="status">${say(language, text)}</p>`);
}
