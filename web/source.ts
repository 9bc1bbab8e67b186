import {html} from './html.ts';
import {code, form, type Page, page, type View} from './page.ts';
import {say, sayDay} from './text.ts';

/** Where links for sources lead, and where those who opened one see how to go on. */
export const sourcePath = '/source';

/** What a source link is for, and the button that opens it. */
export function sourceInvitation(view: View): Page {
	const {language} = view;
	return page(
		view,
		say(language, 'source.title'),
		html`<p>${say(language, 'source.intro')}</p>
<p>${say(language, 'source.nothingKept')}</p>
${form(view, html`<button>${say(language, 'register.submit')}</button>`)}`,
	);
}

/** The account that a link has given, and how a client signs in to it: by this browser, or by a password that is shown this once. */
export function sourceAccount(
	view: View,
	account: {
		readonly userId: string;
		readonly password?: string | undefined;
		readonly publicUrl: string;
		readonly endsTs: number;
		readonly silenceDays: number;
	},
): Page {
	const {language} = view;
	return page(
		view,
		say(language, 'source.madeTitle'),
		html`<p role="status">${say(language, account.password === undefined ? 'source.made' : 'source.writeDown')}</p>
<dl>
<dt>${say(language, 'userId')}</dt><dd>${code(account.userId)}</dd>
<dt>${say(language, 'homeserver')}</dt><dd>${code(account.publicUrl)}</dd>
${account.password === undefined ? html`` : html`<dt>${say(language, 'field.password')}</dt><dd>${code(account.password)}</dd>`}
</dl>
${account.password === undefined ? html`<p>${say(language, 'source.next')}</p>` : html``}
<p>${say(language, 'source.end', {day: sayDay(language, account.endsTs), days: account.silenceDays})}</p>
<h2>${say(language, 'source.otherTitle')}</h2>
<p>${say(language, 'source.other')}</p>
${form({...view, here: sourcePath}, html`<button class="second">${say(language, 'source.makePassword')}</button>`)}`,
	);
}

/** A link that was used up or has ended, or never was one. */
export function sourceGone(view: View): Page {
	const {language} = view;
	return page(view, say(language, 'setUp.goneTitle'), html`<p>${say(language, 'source.gone')}</p>`);
}
