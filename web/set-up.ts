import {accountPath} from './account.ts';
import {html} from './html.ts';
import type {TextKey} from './languages/index.ts';
import {alert, code, form, type Page, page, type View} from './page.ts';
import {newAccountFields} from './register.ts';
import {say} from './text.ts';

/** The form by which the first administrator makes an account; it is sent to the page's own address. */
export function setUpForm(
	view: View,
	{username, problem}: {readonly username: string; readonly problem: TextKey | undefined},
): Page {
	const {language, serverName} = view;
	return page(
		view,
		say(language, 'setUp.title'),
		html`<p>${say(language, 'setUp.intro', {serverName})}</p>
${alert(view, problem)}
${form(
	view,
	html`${newAccountFields(view, username)}
<button>${say(language, 'register.submit')}</button>`,
)}`,
	);
}

/** What follows: how to sign in. */
export function setUpDone(view: View, account: {readonly userId: string; readonly publicUrl: string}): Page {
	const {language} = view;
	return page(
		view,
		say(language, 'setUp.doneTitle'),
		html`<p role="status">${say(language, 'setUp.done')}</p>
<dl>
<dt>${say(language, 'userId')}</dt><dd>${code(account.userId)}</dd>
<dt>${say(language, 'homeserver')}</dt><dd>${code(account.publicUrl)}</dd>
</dl>
<p>${say(language, 'setUp.linkOver')}</p>
<p><a class="button second" href="${accountPath}">${say(language, 'account.title')}</a></p>`,
	);
}

/** A link that was used, or never was one. */
export function setUpGone(view: View): Page {
	return page(view, say(view.language, 'setUp.goneTitle'), html`<p>${say(view.language, 'setUp.gone')}</p>`);
}
