import {html} from './html.ts';
import type {TextKey} from './languages/index.ts';
import {alert, code, form, join, type Page, page, type View} from './page.ts';
import {say} from './text.ts';

/** Where people sign in to these pages. */
export const signInPath = '/account/sign-in';

/** Where people go who have lost their password. */
export const recoverPath = '/account/recover';

/** The form for a name and a password; it is sent to the page's own address. */
export function signInForm(
	view: View,
	options: {
		/** As it was typed in before. */
		readonly username: string;
		/** Whether somebody is signed in and is to show once more that it is they. */
		readonly isRepeated?: boolean;
		/** Where people make an account who have none; absent: nobody does. */
		readonly registerHref?: string | undefined;
		/** Where people sign in by a passkey; absent: nobody does. */
		readonly passkeyHref?: string | undefined;
		/** Other services that sign people in; absent: none. */
		readonly providers?: readonly {readonly href: string; readonly name: string}[] | undefined;
		readonly problem: TextKey | undefined;
	},
): Page {
	const {language, serverName} = view;
	const intro =
		options.isRepeated === true ? say(language, 'signIn.again') : say(language, 'signIn.intro', {serverName});
	const passkey =
		options.passkeyHref === undefined
			? html``
			: html`<p><a class="button second" href="${options.passkeyHref}">${say(language, 'passkey.signIn')}</a></p>`;
	const register =
		options.registerHref === undefined
			? html``
			: html`<p><a href="${options.registerHref}">${say(language, 'register.title')}</a></p>`;
	const others = (options.providers ?? []).map(
		({href, name}) =>
			html`<p><a class="button second" href="${href}">${say(language, 'upstream.with', {name})}</a></p>`,
	);
	return page(
		view,
		say(language, 'signIn.title'),
		html`<p>${intro}</p>
${alert(view, options.problem)}
${form(
	view,
	html`<label for="username">${say(language, 'field.name')}</label>
<input id="username" name="username" value="${options.username}" required autofocus dir="ltr" autocapitalize="none" autocomplete="username" spellcheck="false" maxlength="255">
<label for="password">${say(language, 'field.password')}</label>
<input id="password" name="password" type="password" required dir="ltr" autocomplete="current-password">
<button>${say(language, 'signIn.submit')}</button>`,
)}
${passkey}
${join(others)}
${register}
<p><a href="${recoverPath}">${say(language, 'recover.forgot')}</a></p>`,
	);
}

/** Where people let a client in that sent them here. */
export const toClientPath = '/account/to-client';

/** Asks before a client is given a token to sign in with: whoever is sent there is let in as this person. */
export function toClientForm(view: View, {userId, host}: {readonly userId: string; readonly host: string}): Page {
	const {language} = view;
	return page(
		view,
		say(language, 'toClient.title'),
		html`<p>${say(language, 'toClient.ask', {host: html`<strong>${code(host)}</strong>`, userId: code(userId)})}</p>
<p>${say(language, 'toClient.warning')}</p>
${form(view, html`<button>${say(language, 'toClient.submit')}</button>`)}
<p><a class="button second" href="/account">${say(language, 'cancel')}</a></p>`,
	);
}
