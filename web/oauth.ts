import {type Html, html} from './html.ts';
import type {TextKey} from './languages/index.ts';
import {alert, code, form, join, type Page, page, type View} from './page.ts';
import {authDoneScript} from './scripts/auth-done.ts';
import {say} from './text.ts';

/** A program that asks, as people are shown it: only its host says who made it. */
export interface AskingClient {
	readonly name: string;
	readonly host: string;
	readonly tosUri?: string | undefined;
	readonly policyUri?: string | undefined;
}

/** What somebody is asked about a program that wants to sign in. */
export interface Consent {
	readonly userId: string;
	readonly client: AskingClient;
	readonly deviceId: string;
	/** What becomes of the session of that id that the person has; one that stays lets no other one in its place. */
	readonly knownSession: 'none' | 'replaced' | 'stays';
}

/** Asks whether a program may sign in; no picture of it is loaded. It is sent to the page's own address. */
export function consentForm(view: View, consent: Consent): Page {
	const {language} = view;
	return page(
		view,
		say(language, 'consent.title'),
		html`${describe(view, consent)}
<p>${say(language, 'consent.warning')}</p>
${form(view, decisions(view, consent))}`,
	);
}

/**
 * A request that cannot be done; its error is for whoever made the program.
 * @param back where the program waits for an answer; absent: nothing says that the address is the program's
 */
export function consentFailed(view: View, error: string, back?: {readonly href: string; readonly host: string}): Page {
	const {language} = view;
	const way =
		back === undefined
			? html``
			: html`<p><a class="button second" href="${back.href}" rel="noreferrer">${say(language, 'consent.back', {host: code(back.host)})}</a></p>`;
	return page(
		view,
		say(language, 'consent.title'),
		html`<p role="alert">${say(language, 'consent.failed')}</p>
<p>${code(error)}</p>
${way}`,
	);
}

/** Asks for the code that a device shows. */
export function linkForm(view: View, problem: TextKey | undefined): Page {
	const {language} = view;
	return page(
		view,
		say(language, 'link.title'),
		html`<p>${say(language, 'link.intro')}</p>
${alert(view, problem)}
${form(
	view,
	html`<label for="user_code">${say(language, 'link.code')}</label>
<input id="user_code" name="user_code" required autofocus dir="ltr" autocapitalize="characters" autocomplete="off" spellcheck="false" maxlength="32">
<button>${say(language, 'continue')}</button>`,
)}`,
	);
}

/** Asks whether the device that shows a code may sign in. */
export function linkConsentForm(view: View, consent: Consent & {readonly userCode: string}): Page {
	const {language} = view;
	// A line does not break within the code.
	const shown = html`<strong>${code(consent.userCode.replaceAll('-', '\u2011'))}</strong>`;
	return page(
		view,
		say(language, 'link.title'),
		html`${describe(view, consent)}
<p>${say(language, 'link.compare', {code: shown})}</p>
<p>${say(language, 'link.warning')}</p>
${form(
	view,
	html`<input type="hidden" name="user_code" value="${consent.userCode}">
${decisions(view, consent)}`,
)}`,
	);
}

/** Says what becomes of the device. */
export function linkDone(view: View, isApproved: boolean): Page {
	const {language} = view;
	const done = say(language, isApproved ? 'link.done' : 'link.denied');
	return page(view, say(language, 'link.title'), html`<p role="status">${done}</p>`);
}

/** Asks whether a session may replace its person's keys. */
export function resetForm(view: View, deviceName: string): Page {
	const {language} = view;
	return page(
		view,
		say(language, 'reset.title'),
		html`<p>${say(language, 'reset.intro', {device: html`<strong><bdi>${deviceName}</bdi></strong>`})}</p>
<p>${say(language, 'reset.warning')}</p>
${form(view, html`<button>${say(language, 'reset.allow')}</button>`)}`,
	);
}

/** The keys may be replaced; a client around the page is told so. */
export function resetDone(view: View): Page {
	const {language} = view;
	return page(view, say(language, 'reset.title'), html`<p role="status">${say(language, 'reset.done')}</p>`, {
		scripts: [authDoneScript],
	});
}

/** Nobody waits for this. */
export function resetGone(view: View): Page {
	const {language} = view;
	return page(view, say(language, 'reset.title'), html`<p role="alert">${say(language, 'reset.gone')}</p>`);
}

function describe({language}: View, {client, userId, deviceId, knownSession}: Consent): Html {
	const name = html`<strong><bdi>${client.name}</bdi></strong>`;
	const links = [
		client.tosUri === undefined ? undefined : link(client.tosUri, say(language, 'consent.terms')),
		client.policyUri === undefined ? undefined : link(client.policyUri, say(language, 'consent.policy')),
	].filter((item) => item !== undefined);
	return html`<p>${say(language, 'consent.ask', {client: name, userId: code(userId)})}</p>
<p>${say(language, 'consent.host', {host: html`<strong>${code(client.host)}</strong>`})}</p>
<p>${say(language, 'consent.device', {device: code(deviceId)})}</p>
${knownSession === 'none' ? html`` : html`<p role="alert">${say(language, knownSession === 'stays' ? 'consent.stays' : 'consent.replaces')}</p>`}
${links.length === 0 ? html`` : html`<ul class="plain">${join(links)}</ul>`}`;
}

function link(uri: string, text: Html): Html {
	return html`<li><a href="${uri}" rel="noreferrer noopener" target="_blank">${text}</a></li>`;
}

function decisions({language}: View, {knownSession}: Consent): Html {
	const allow = html`<button name="decision" value="allow">${say(language, 'consent.allow')}</button>`;
	return html`${knownSession === 'stays' ? html`` : allow}
<button name="decision" value="deny" class="second">${say(language, 'consent.deny')}</button>`;
}
