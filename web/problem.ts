import {html} from './html.ts';
import type {TextKey} from './languages/index.ts';
import {type Page, page, type View} from './page.ts';
import {say} from './text.ts';

/** A page for what cannot be shown or done. */
export function problemPage(view: View, problem: TextKey): Page {
	return page(view, say(view.language, 'problem.title'), html`<p role="alert">${say(view.language, problem)}</p>`);
}
