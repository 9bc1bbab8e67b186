import {passkeyFields} from './account/passkey-fields.ts';
import {type Html, html} from './html.ts';
import type {TextKey} from './languages/index.ts';
import {alert, form, type Page, page, type View} from './page.ts';
import {authDoneScript} from './scripts/auth-done.ts';
import {passkeyScript} from './scripts/passkey.ts';
import {say} from './text.ts';

const fieldsOf: Readonly<Record<string, (view: View) => Html>> = {
	'm.login.dummy': ({language}) => html`<p>${say(language, 'fallback.dummy')}</p>`,
	'm.login.password': ({language}) => html`<label for="user">${say(language, 'field.name')}</label>
<input id="user" name="user" required autofocus dir="ltr" autocapitalize="none" autocomplete="username" spellcheck="false">
<label for="password">${say(language, 'field.password')}</label>
<input id="password" name="password" type="password" required dir="ltr" autocomplete="current-password">`,
	'm.login.registration_token': ({
		language,
	}) => html`<label for="token">${say(language, 'field.registrationToken')}</label>
<input id="token" name="token" required autofocus dir="ltr" autocapitalize="none" autocomplete="off" spellcheck="false" maxlength="64">`,
	'org.broadsheet.login.second_factor': ({language}) => html`<label for="code">${say(language, 'factor.code')}</label>
<input id="code" name="code" required autofocus dir="ltr" autocapitalize="none" autocomplete="one-time-code" spellcheck="false" maxlength="40">`,
};

/**
 * The page on which a stage is completed without the client's help; it is sent to its own address. A window is that of
 * its opener only as long as each page in it lets it be.
 */
export function authFallbackForm(
	view: View,
	stage: string,
	{
		passkeyOptions,
		problem,
	}: {
		/** What the browser is asked for a passkey with, beside a code; absent: it is not. */
		readonly passkeyOptions?: object;
		readonly problem?: TextKey;
	},
): Page {
	const {language} = view;
	const fields = html`${fieldsOf[stage]?.(view) ?? html``}
<button>${say(language, 'continue')}</button>`;
	const passkey =
		passkeyOptions === undefined
			? html``
			: passkeyFields(view, passkeyOptions, html`<button>${say(language, 'passkey.signIn')}</button>`);
	const proves = stage === 'm.login.password' || stage === 'org.broadsheet.login.second_factor';
	const warning = proves ? html`<p>${say(language, 'fallback.warning')}</p>` : html``;
	return page(
		view,
		say(language, 'fallback.title'),
		html`${warning}${alert(view, problem)}${passkey}${form(view, fields)}`,
		{
			isPopup: true,
			scripts: passkeyOptions === undefined ? [] : [passkeyScript],
		},
	);
}

/** A stage that is completed: the script tells the client's window so. */
export function authFallbackDone(view: View): Page {
	const {language} = view;
	return page(view, say(language, 'fallback.title'), html`<p role="status">${say(language, 'fallback.done')}</p>`, {
		scripts: [authDoneScript],
		isPopup: true,
	});
}

/** A session that is over, or never was, or does not wait for this stage. */
export function authFallbackGone(view: View): Page {
	return page(view, say(view.language, 'fallback.title'), html`<p>${say(view.language, 'fallback.gone')}</p>`);
}
