import {type Html, html} from './html.ts';
import type {TextKey} from './languages/index.ts';
import {alert, form, type Page, page, type View} from './page.ts';
import {say} from './text.ts';

/** Where people make an account. */
export const registerPath = '/account/register';

/** A name and a password twice, for an account that is to be made. */
export function newAccountFields(view: View, username: string): Html {
	return html`${newNameField(view, username)}
${newPasswordFields(view.language)}`;
}

/** A name that is to be chosen, and what it may be made of. */
export function newNameField({language}: View, username: string): Html {
	return html`<label for="username">${say(language, 'field.name')}</label>
<input id="username" name="username" value="${username}" required autofocus dir="ltr" autocapitalize="none" autocomplete="username" spellcheck="false" maxlength="200" aria-describedby="username-hint">
<p class="hint" id="username-hint">${say(language, 'field.nameHint', {characters: html`<bdi dir="ltr" class="whole">a-z 0-9 . _ - = / +</bdi>`})}</p>`;
}

/** A new password, twice. @param name what it is called where there was one before */
export function newPasswordFields(language: View['language'], name: TextKey = 'field.password'): Html {
	return html`<label for="password">${say(language, name)}</label>
<input id="password" name="password" type="password" required minlength="8" dir="ltr" autocomplete="new-password" aria-describedby="password-hint">
<p class="hint" id="password-hint">${say(language, 'field.passwordHint')}</p>
<label for="repeated">${say(language, 'field.repeated')}</label>
<input id="repeated" name="repeated" type="password" required minlength="8" dir="ltr" autocomplete="new-password">`;
}

/** The form by which people make an account. */
export function registerForm(
	view: View,
	options: {
		readonly username: string;
		readonly token: string;
		/** Whether only who has a registration token may. */
		readonly needsToken: boolean;
		readonly problem: TextKey | undefined;
	},
): Page {
	const {language, serverName} = view;
	const token = options.needsToken
		? html`<label for="token">${say(language, 'field.registrationToken')}</label>
<input id="token" name="token" value="${options.token}" required dir="ltr" autocapitalize="none" autocomplete="off" spellcheck="false" maxlength="64" aria-describedby="token-hint">
<p class="hint" id="token-hint">${say(language, 'field.registrationTokenHint')}</p>`
		: html``;
	return page(
		view,
		say(language, 'register.title'),
		html`<p>${say(language, 'register.intro', {serverName})}</p>
${alert(view, options.problem)}
${form(
	view,
	html`${token}
${newAccountFields(view, options.username)}
<button>${say(language, 'register.submit')}</button>`,
)}`,
	);
}

/** What is shown where nobody makes an account. */
export function registerClosed(view: View): Page {
	return page(view, say(view.language, 'register.title'), html`<p>${say(view.language, 'register.closed')}</p>`);
}
