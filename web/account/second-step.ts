import {html} from '../html.ts';
import type {TextKey} from '../languages/index.ts';
import {alert, form, type Page, page, type View} from '../page.ts';
import {passkeyScript} from '../scripts/passkey.ts';
import {say} from '../text.ts';
import {passkeyFields} from './passkey-fields.ts';
import {addPasskeyPath} from './passkeys.ts';
import {totpPath} from './totp.ts';

/** Where people are asked for the proof that is missing after their password. */
export const secondStepPath = '/account/sign-in/second-step';
/** Where people sign in by a passkey. */
export const passkeyPath = '/account/sign-in/passkey';
/** Where people who must have a second factor choose one. */
export const chooseFactorPath = '/account/sign-in/set-up';

/** Asks for a code, or leads to the passkey. */
export function secondStepForm(
	view: View,
	options: {
		readonly asksForCode: boolean;
		/** Where a passkey is asked for, if the person has one. */
		readonly passkeyHref: string | undefined;
		readonly problem: TextKey | undefined;
	},
): Page {
	const {language} = view;
	const codeForm = form(
		view,
		html`<label for="code">${say(language, 'factor.code')}</label>
<input id="code" name="code" required autofocus dir="ltr" autocapitalize="none" autocomplete="one-time-code" spellcheck="false" maxlength="40">
<button>${say(language, 'continue')}</button>`,
	);
	return page(
		view,
		say(language, 'factor.title'),
		html`<p>${say(language, 'factor.intro')}</p>
${alert(view, options.problem)}
${options.passkeyHref === undefined ? html`` : html`<p><a class="button" href="${options.passkeyHref}">${say(language, 'passkey.signIn')}</a></p>`}
${options.asksForCode ? codeForm : html``}`,
	);
}

/** Asks who sets up a first factor for a code that vouches for them. */
export function vouchingForm(
	view: View,
	{areAsked, problem}: {readonly areAsked: boolean; readonly problem: TextKey | undefined},
): Page {
	const {language} = view;
	const asked = html`<p role="status">${say(language, 'factor.sessionsAsked')}</p>`;
	return page(
		view,
		say(language, 'factor.title'),
		html`<p>${say(language, 'factor.vouching')}</p>
${alert(view, problem)}
${areAsked ? asked : html``}
${form(
	view,
	html`<label for="code">${say(language, 'factor.vouchingCode')}</label>
<input id="code" name="code" required autofocus dir="ltr" autocapitalize="characters" autocomplete="one-time-code" spellcheck="false" maxlength="40">
<button>${say(language, 'continue')}</button>`,
)}
${form(view, html`<button class="second" name="act" value="ask">${say(language, 'factor.askSessions')}</button>`)}`,
	);
}

/** Asks the browser for a passkey. */
export function passkeyForm(
	view: View,
	{options, problem}: {readonly options: object; readonly problem: TextKey | undefined},
): Page {
	const {language} = view;
	return page(
		view,
		say(language, 'passkey.title'),
		html`<p>${say(language, 'passkey.use')}</p>
${alert(view, problem)}
${passkeyFields(view, options, html`<button autofocus>${say(language, 'continue')}</button>`)}`,
		{scripts: [passkeyScript]},
	);
}

/** Lets people choose the second factor that they must have. */
export function chooseFactor(view: View, {hasPasskeys}: {readonly hasPasskeys: boolean}): Page {
	const {language} = view;
	const passkey = html`<h2>${say(language, 'passkeys.title')}</h2>
<p>${say(language, 'passkeys.intro')}</p>
<p><a class="button" href="${addPasskeyPath}">${say(language, 'passkeys.add')}</a></p>`;
	return page(
		view,
		say(language, 'factor.chooseTitle'),
		html`<p>${say(language, 'factor.choose')}</p>
${hasPasskeys ? passkey : html``}
<h2>${say(language, 'totp.title')}</h2>
<p>${say(language, 'totp.intro')}</p>
<p><a class="button second" href="${totpPath}">${say(language, 'totp.begin')}</a></p>`,
	);
}
