import {html} from './html.ts';
import {back} from './account/parts.ts';
import type {TextKey} from './languages/index.ts';
import {alert, form, join, type Page, page, type View} from './page.ts';
import {newNameField} from './register.ts';
import {say} from './text.ts';

/** Where a browser is sent to another service, to sign in. */
export const signInWithPath = <Id extends string>(providerId: Id) => `/account/sign-in/with/${providerId}` as const;

/** Where it comes back to. */
export const callbackPath = <Id extends string>(providerId: Id) => `/account/upstream/${providerId}/callback` as const;

/** Where somebody new chooses a name. */
export const chooseNamePath = '/account/sign-in/choose-name';

/** Where people see which services vouch for them. */
export const linksPath = '/account/upstream';

export const linkPath = <Id extends string>(providerId: Id) => `/account/upstream/${providerId}/link` as const;
export const unlinkPath = <Id extends string>(providerId: Id) => `/account/upstream/${providerId}/unlink` as const;

/** The form for the name of a new account, whose person another service has vouched for. */
export function chooseNameForm(
	view: View,
	{username, problem}: {readonly username: string; readonly problem: TextKey | undefined},
): Page {
	const {language, serverName} = view;
	return page(
		view,
		say(language, 'register.title'),
		html`<p>${say(language, 'register.intro', {serverName})}</p>
${alert(view, problem)}
${form(
	view,
	html`${newNameField(view, username)}
<button>${say(language, 'register.submit')}</button>`,
)}`,
	);
}

/** Which services vouch for an account, and which might. */
export function linksPage(
	view: View,
	{
		providers,
		problem,
	}: {
		readonly providers: readonly {readonly id: string; readonly name: string; readonly isLinked: boolean}[];
		readonly problem: TextKey | undefined;
	},
): Page {
	const {language} = view;
	const rows = providers.map(({id, name, isLinked}) => {
		const action = isLinked ? unlinkPath(id) : linkPath(id);
		const text = say(language, isLinked ? 'upstream.unlink' : 'upstream.link', {name});
		return html`<li>${form(view, html`<button class="second">${text}</button>`, {action})}</li>`;
	});
	return page(
		view,
		say(language, 'upstream.title'),
		html`<p>${say(language, 'upstream.intro')}</p>
${alert(view, problem)}
<ul class="plain">${join(rows)}</ul>
${back(view)}`,
	);
}
