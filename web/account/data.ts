import {html} from '../html.ts';
import {form, type Page, page, type View} from '../page.ts';
import {say} from '../text.ts';
import {back} from './parts.ts';

/** Where people get what is kept of them. */
export const dataPath = '/account/data';

/** Lets people download what is kept of them. */
export function dataForm(view: View): Page {
	const {language} = view;
	return page(
		view,
		say(language, 'data.title'),
		html`<p>${say(language, 'data.intro')}</p>
${form(view, html`<button>${say(language, 'data.submit')}</button>`)}
${back(view)}`,
	);
}
