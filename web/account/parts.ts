import {type Html, html} from '../html.ts';
import type {TextKey} from '../languages/index.ts';
import type {View} from '../page.ts';
import {say, sayDay} from '../text.ts';

const DAY_MS = 86_400_000;

/** What a page of the account says above all else: that something is done, or what was wrong. */
export interface Outcome {
	readonly problem?: TextKey | undefined;
	readonly isDone?: boolean;
}

/** The way back to the account. */
export function back({language}: View): Html {
	return html`<p><a href="/account">${say(language, 'account.back')}</a></p>`;
}

/** Says that something is done, or what was wrong; nothing where nothing is to be said. */
export function outcome({language}: View, {problem, isDone = false}: Outcome): Html {
	if (problem !== undefined) return html`<p role="alert">${say(language, problem)}</p>`;
	return isDone ? html`<p role="status">${say(language, 'account.done')}</p>` : html``;
}

/** A day, counted from the Unix epoch. */
export function dayOf({language}: View, day: number): Html {
	return sayDay(language, day * DAY_MS);
}

/** A field of a form that people do not see. */
export function hidden(name: string, value: string): Html {
	return html`<input type="hidden" name="${name}" value="${value}">`;
}
