import {type Html, html} from './html.ts';
import type {TextKey} from './languages/index.ts';
import {alert, form, join, type Page, page, type View} from './page.ts';
import {back, hidden} from './account/parts.ts';
import {codeField} from './recover.ts';
import {say, sayDay} from './text.ts';

/** Where people see which sessions wait. */
export const waitingPath = '/account/waiting';

/** A session that waits, as it is shown. */
export interface ShownSession {
	readonly deviceId: string;
	readonly displayName: string | null;
	/** Milliseconds since the Unix epoch. */
	readonly sinceTs: number;
}

/** The page that the link in a notice leads to. */
export function approveForm(view: View, session: ShownSession): Page {
	const {language} = view;
	return page(
		view,
		say(language, 'approve.title'),
		html`<p>${say(language, 'approve.ask', {device: nameOf(session), day: sayDay(view.language, session.sinceTs)})}</p>
${form(view, buttons(view))}`,
	);
}

/** The sessions of somebody who is signed in to these pages. */
export function waitingList(
	view: View,
	{
		sessions,
		wantsCode,
		problem,
	}: {
		readonly sessions: readonly ShownSession[];
		/** Whether a code is asked for: a password alone approves nothing. */
		readonly wantsCode: boolean;
		readonly problem: TextKey | undefined;
	},
): Page {
	const {language} = view;
	const items = sessions.map(
		(
			session,
			index,
		) => html`<li><p>${say(language, 'approve.ask', {device: nameOf(session), day: sayDay(view.language, session.sinceTs)})}</p>
${form(
	view,
	html`${hidden('device_id', session.deviceId)}${hidden('since_ts', String(session.sinceTs))}${wantsCode ? codeField(view, `code-${index}`) : html``}
${buttons(view)}`,
)}</li>`,
	);
	return page(
		view,
		say(language, 'waiting.title'),
		html`${alert(view, problem)}
${wantsCode ? html`<p>${say(language, 'waiting.help')}</p>` : html``}
${items.length === 0 ? html`<p>${say(language, 'waiting.none')}</p>` : html`<ul class="plain">${join(items)}</ul>`}
${back(view)}`,
	);
}

function buttons({language}: View): Html {
	return html`<button name="act" value="approve">${say(language, 'approve.submit')}</button>
<button class="second" name="act" value="refuse">${say(language, 'approve.refuse')}</button>`;
}

function nameOf({displayName, deviceId}: ShownSession): Html {
	return html`<strong><bdi>${displayName ?? deviceId}</bdi></strong>${displayName === null ? html`` : html` <bdi>(${deviceId})</bdi>`}`;
}

/** What has come of it. */
export function approveDone(view: View, text: 'approve.done' | 'approve.gone' | 'approve.refused'): Page {
	const {language} = view;
	return page(
		view,
		say(language, 'approve.title'),
		html`<p role="${text === 'approve.gone' ? 'alert' : 'status'}">${say(language, text)}</p>`,
	);
}
