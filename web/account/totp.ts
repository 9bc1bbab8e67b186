import {encodeQR} from 'qr';
import {Html, html} from '../html.ts';
import type {TextKey} from '../languages/index.ts';
import {alert, code, form, type Page, page, type View} from '../page.ts';
import {say} from '../text.ts';
import {back, type Outcome, outcome} from './parts.ts';

/** Where people set their code generator up. */
export const totpPath = '/account/totp';
/** Where the first code of a code generator is sent. */
export const confirmTotpPath = '/account/totp/confirm';

/** White around the picture, in modules, as readers want it. */
const QUIET = 4;

/** Says whether there is a code generator, and lets people begin or remove it. */
export function totpOverview(view: View, {isSetUp, ...said}: Outcome & {readonly isSetUp: boolean}): Page {
	const {language} = view;
	const button = isSetUp
		? html`<button class="danger" name="action" value="remove">${say(language, 'totp.remove')}</button>`
		: html`<button name="action" value="begin">${say(language, 'totp.begin')}</button>`;
	return page(
		view,
		say(language, 'totp.title'),
		html`<p>${say(language, 'totp.intro')}</p>
${outcome(view, said)}
${isSetUp ? html`<p>${say(language, 'totp.on')}</p>` : html``}
${form(view, button, {action: totpPath})}
${back(view)}`,
	);
}

/** Shows the secret of a code generator, and asks for its first code. */
export function totpSetUpForm(
	view: View,
	{secret, uri, problem}: {readonly secret: string; readonly uri: string; readonly problem: TextKey | undefined},
): Page {
	const {language} = view;
	return page(
		view,
		say(language, 'totp.begin'),
		html`<p>${say(language, 'totp.scan')}</p>
${alert(view, problem)}
${picture(uri, say(language, 'totp.picture'))}
<dl><dt>${say(language, 'totp.secret')}</dt><dd>${code(secret.replaceAll(/.{4}(?=.)/gu, '$& '))}</dd></dl>
${form(
	view,
	html`<label for="code">${say(language, 'totp.code')}</label>
<input id="code" name="code" required autofocus dir="ltr" inputmode="numeric" autocomplete="one-time-code" maxlength="10">
<button>${say(language, 'continue')}</button>`,
	{action: confirmTotpPath},
)}
${back(view)}`,
	);
}

function picture(text: string, label: Html): Html {
	const rows = encodeQR(text, 'raw', {border: QUIET});
	const size = String(rows.length);
	const dark = rows.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])));
	return html`<svg role="img" aria-label="${label}" viewBox="0 0 ${size} ${size}" width="240" height="240" shape-rendering="crispEdges"><rect width="100%" height="100%" fill="#fff"/><path fill="#000" d="${new Html(dark.join(''))}"/></svg>`;
}
