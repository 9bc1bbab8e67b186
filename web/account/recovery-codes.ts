import {html} from '../html.ts';
import {code, form, join, type Page, page, type View} from '../page.ts';
import {say} from '../text.ts';
import {back} from './parts.ts';

/** Where people get recovery codes. */
export const recoveryCodesPath = '/account/recovery-codes';

/** Says how many codes are left, and lets people make new ones. */
export function recoveryCodesForm(
	view: View,
	{left, hasFactor}: {readonly left: number; readonly hasFactor: boolean},
): Page {
	const {language} = view;
	const make = html`<p>${say(language, 'recovery.left', {count: left})}</p>
${form(view, html`<button>${say(language, 'recovery.make')}</button><p class="hint">${say(language, 'recovery.makeHint')}</p>`)}`;
	return page(
		view,
		say(language, 'recovery.title'),
		html`<p>${say(language, 'recovery.intro')}</p>
${hasFactor ? make : html`<p>${say(language, 'recovery.none')}</p>`}
${back(view)}`,
	);
}

/** Shows new codes, this once. */
export function newRecoveryCodes(
	view: View,
	{codes, next}: {readonly codes: readonly string[]; readonly next: string},
): Page {
	const {language} = view;
	return page(
		view,
		say(language, 'recovery.title'),
		html`<p>${say(language, 'recovery.intro')}</p>
<p role="status">${say(language, 'recovery.shown')}</p>
<ol>${join(codes.map((text) => html`<li>${code(text)}</li>`))}</ol>
<p><a class="button" href="${next}">${say(language, 'recovery.done')}</a></p>`,
	);
}
