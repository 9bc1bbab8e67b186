import {html} from './html.ts';
import type {TextKey} from './languages/index.ts';
import {code, join, type Page, page, type View} from './page.ts';
import {say} from './text.ts';

/** Where people see their account. */
export const accountPath = '/account';

/** A page that the account's own leads to. */
export interface AccountLink {
	readonly path: string;
	readonly text: TextKey;
}

/** What people see of their account, and where they go from there. */
export function accountHome(view: View, userId: string, links: readonly AccountLink[]): Page {
	const {language} = view;
	const items = links.map(({path, text}) => html`<li><a href="${path}">${say(language, text)}</a></li>`);
	return page(
		view,
		say(language, 'account.title'),
		html`<p>${say(language, 'account.signedIn', {userId: code(userId)})}</p>
${items.length === 0 ? html`` : html`<ul class="plain">${join(items)}</ul>`}`,
	);
}
