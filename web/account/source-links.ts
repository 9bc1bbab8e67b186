import {type Html, html} from '../html.ts';
import type {TextKey} from '../languages/index.ts';
import {alert, code, form, join, type Page, page, type View} from '../page.ts';
import {say, sayDay} from '../text.ts';
import {back, hidden} from './parts.ts';

/** Where people make links for sources. */
export const sourceLinksPath = '/account/source-links';

/** A link as its maker is shown it. */
export interface ShownSourceLink {
	readonly linkId: string;
	readonly name: string;
	readonly usesAllowed: number;
	readonly usesDone: number;
	/** Milliseconds since the Unix epoch. */
	readonly expiresTs: number;
}

/** An account that a link has given. */
export interface ShownSource {
	readonly userId: string;
	readonly name: string;
	/** Milliseconds since the Unix epoch. */
	readonly endsTs: number;
}

/** Somebody's links for sources, the accounts that they have given, and the form for another. */
export function sourceLinksPage(
	view: View,
	shown: {
		readonly links: readonly ShownSourceLink[];
		readonly sources: readonly ShownSource[];
		/** A link that was just made: its address is shown this once. */
		readonly made?: string | undefined;
		readonly problem?: TextKey | undefined;
	},
): Page {
	const {language} = view;
	const made =
		shown.made === undefined
			? html``
			: html`<p role="status">${say(language, 'sourceLinks.made')}</p>
<p>${code(shown.made)}</p>`;
	return page(
		view,
		say(language, 'sourceLinks.title'),
		html`<p>${say(language, 'sourceLinks.intro')}</p>
${alert(view, shown.problem)}
${made}
${form(view, fields(view))}
${section(view, 'sourceLinks.links', shown.links, (link) => linkItem(view, link))}
${section(view, 'sourceLinks.sources', shown.sources, (source) => sourceItem(view, source))}
${back(view)}`,
	);
}

function fields({language}: View): Html {
	return html`<label for="name">${say(language, 'sourceLinks.name')}</label>
<input id="name" name="name" required maxlength="100" autocomplete="off" aria-describedby="name-hint">
<p class="hint" id="name-hint">${say(language, 'sourceLinks.nameHint')}</p>
<label for="members">${say(language, 'sourceLinks.members')}</label>
<input id="members" name="members" dir="ltr" autocapitalize="none" autocomplete="off" spellcheck="false" maxlength="4000" aria-describedby="members-hint">
<p class="hint" id="members-hint">${say(language, 'sourceLinks.membersHint')}</p>
<label for="days">${say(language, 'sourceLinks.days')}</label>
<input id="days" name="days" type="number" min="1" max="3650" inputmode="numeric">
<button name="action" value="create">${say(language, 'sourceLinks.create')}</button>`;
}

function section<Item>(view: View, title: TextKey, items: readonly Item[], show: (item: Item) => Html): Html {
	if (items.length === 0) return html``;
	return html`<h2>${say(view.language, title)}</h2>
<ul class="plain">${join(items.map(show))}</ul>`;
}

function linkItem(view: View, {linkId, name, usesAllowed, usesDone, expiresTs}: ShownSourceLink): Html {
	const {language} = view;
	const until = say(language, 'sourceLinks.until', {
		day: sayDay(language, expiresTs),
		done: usesDone,
		allowed: usesAllowed,
	});
	const button = html`<button class="small second" name="action" value="remove">${say(language, 'sourceLinks.remove', {name})}</button>`;
	return html`<li><p><strong><bdi>${name}</bdi></strong><br>${until}</p>
${form(view, html`${hidden('link_id', linkId)}${button}`)}</li>`;
}

function sourceItem(view: View, {userId, name, endsTs}: ShownSource): Html {
	const {language} = view;
	// All sources are of this server, and a button has no room for its name.
	const end = say(language, 'sourceLinks.end', {name: code(userId.slice(0, userId.indexOf(':')))});
	const button = html`<button class="small danger" name="action" value="end">${end}</button>`;
	return html`<li><p><strong><bdi>${name}</bdi></strong> ${code(userId)}<br>${say(language, 'sourceLinks.ends', {day: sayDay(language, endsTs)})}</p>
${form(view, html`${hidden('user_id', userId)}${button}`)}</li>`;
}
