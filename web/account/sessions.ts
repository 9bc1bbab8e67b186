import {type Html, html} from '../html.ts';
import {code, form, join, type Page, page, type View} from '../page.ts';
import {say} from '../text.ts';
import {back, dayOf, hidden, type Outcome, outcome} from './parts.ts';

/** Where people see which clients are signed in. */
export const sessionsPath = '/account/sessions';

/** A client's session as it is shown; the day is counted from the Unix epoch. */
export interface ShownSession {
	readonly deviceId: string;
	readonly displayName: string | null;
	readonly lastSeenDay: number | null;
}

/**
 * Lists the sessions of an account: names and days, and not where anybody was.
 * @param chosen the id of a session that stands by itself, before the others; one that is none is passed over
 */
export function sessionList(
	view: View,
	{
		sessions,
		chosen,
		...said
	}: Outcome & {readonly sessions: readonly ShownSession[]; readonly chosen?: string | undefined},
): Page {
	const {language} = view;
	const marked = sessions.filter(({deviceId}) => deviceId === chosen);
	const others = sessions.filter(({deviceId}) => deviceId !== chosen);
	const first = html`<p>${say(language, 'sessions.chosen')}</p>
<ul class="plain" aria-current="true">${join(marked.map((session) => item(view, session)))}</ul>
<hr>`;
	const list = html`${marked.length === 0 ? html`` : first}
<ul class="plain">${join(others.map((session) => item(view, session)))}</ul>
${form(view, html`<button class="danger" name="action" value="all">${say(language, 'sessions.signOutAll')}</button>`, {action: sessionsPath})}`;
	return page(
		view,
		say(language, 'sessions.title'),
		html`<p>${say(language, 'sessions.intro')}</p>
${outcome(view, said)}
${sessions.length === 0 ? html`<p>${say(language, 'sessions.none')}</p>` : list}
${back(view)}`,
	);
}

function item(view: View, {deviceId, displayName, lastSeenDay}: ShownSession): Html {
	const {language} = view;
	const name = displayName ?? '';
	const title = name === '' ? say(language, 'sessions.unnamed') : html`<bdi>${name}</bdi>`;
	const seen =
		lastSeenDay === null ? html`` : html`<br>${say(language, 'sessions.seen', {day: dayOf(view, lastSeenDay)})}`;
	return html`<li><p><strong>${title}</strong> ${code(deviceId)}${seen}</p>
${form(view, html`${hidden('device_id', deviceId)}<button class="small second">${say(language, 'sessions.signOut', {name: code(deviceId)})}</button>`, {action: sessionsPath})}</li>`;
}
