import {html} from './html.ts';
import {code, form, type Page, page, type View} from './page.ts';
import {loginDoneScript} from './scripts/login-done.ts';
import {say} from './text.ts';

/** Where clients that know no way to sign in send their person. */
export const loginFallbackPath = '/_matrix/static/client/login/';

/** Asks before the client around the page is let in; it is sent to the page's own address. */
export function loginFallbackForm(view: View, {userId}: {readonly userId: string}): Page {
	const {language} = view;
	return page(
		view,
		say(language, 'toClient.title'),
		html`<p>${say(language, 'fallback.signIn', {userId: code(userId)})}</p>
<p>${say(language, 'toClient.warning')}</p>
${form(view, html`<button>${say(language, 'signIn.submit')}</button>`)}`,
	);
}

/** Hands the client around the page its session. @param response the answer of a login */
export function loginFallbackDone(view: View, response: object): Page {
	const {language} = view;
	return page(
		view,
		say(language, 'toClient.title'),
		html`<p role="status" id="session" data-response="${JSON.stringify(response)}">${say(language, 'fallback.done')}</p>`,
		// Element's older apps are told by an empty frame whose address is of this scheme, which they intercept.
		{scripts: [loginDoneScript], frameSources: ['js:']},
	);
}
