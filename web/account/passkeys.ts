import {type Html, html} from '../html.ts';
import type {TextKey} from '../languages/index.ts';
import {alert, form, join, type Page, page, type View} from '../page.ts';
import {passkeyScript} from '../scripts/passkey.ts';
import {say} from '../text.ts';
import {back, dayOf, hidden, type Outcome, outcome} from './parts.ts';
import {passkeyFields} from './passkey-fields.ts';

/** Where people see their passkeys. */
export const passkeysPath = '/account/passkeys';
/** Where people add a passkey. */
export const addPasskeyPath = '/account/passkeys/add';

/** A passkey as it is shown; days are counted from the Unix epoch. */
export interface ShownPasskey {
	readonly credentialId: string;
	readonly name: string;
	readonly createdDay: number;
	readonly lastUsedDay: number | null;
}

/** Lists the passkeys of an account, to be renamed and removed. */
export function passkeyList(
	view: View,
	{passkeys, canAdd, ...said}: Outcome & {readonly passkeys: readonly ShownPasskey[]; readonly canAdd: boolean},
): Page {
	const {language} = view;
	const none = html`<p>${say(language, 'passkeys.none')}</p>`;
	const add = html`<p><a class="button" href="${addPasskeyPath}">${say(language, 'passkeys.add')}</a></p>`;
	return page(
		view,
		say(language, 'passkeys.title'),
		html`<p>${say(language, 'passkeys.intro')}</p>
${outcome(view, said)}
${passkeys.length === 0 ? none : html`<ul class="plain">${join(passkeys.map((passkey, index) => item(view, passkey, index)))}</ul>`}
${canAdd ? add : html`<p>${say(language, 'passkey.notHere')}</p>`}
${back(view)}`,
	);
}

function item(view: View, {credentialId, name, createdDay, lastUsedDay}: ShownPasskey, index: number): Html {
	const {language} = view;
	const used = lastUsedDay === null ? html`` : say(language, 'passkeys.used', {day: dayOf(view, lastUsedDay)});
	const id = `name-${index}`;
	return html`<li><p><strong><bdi>${name}</bdi></strong><br>${say(language, 'passkeys.added', {day: dayOf(view, createdDay)})} ${used}</p>
${form(
	view,
	html`${hidden('credential', credentialId)}<label for="${id}">${say(language, 'passkeys.name')}</label>
<input id="${id}" name="name" value="${name}" required maxlength="64" autocomplete="off">
<p><button class="small" name="action" value="rename">${say(language, 'passkeys.rename')}</button>
<button class="small danger" name="action" value="remove" formnovalidate>${say(language, 'passkeys.remove')}</button></p>`,
)}</li>`;
}

/** Has the browser make a passkey. */
export function addPasskeyForm(
	view: View,
	{options, name, problem}: {readonly options: object; readonly name: string; readonly problem: TextKey | undefined},
): Page {
	const {language} = view;
	const fields = html`<label for="name">${say(language, 'passkeys.name')}</label>
<input id="name" name="name" value="${name}" required autofocus maxlength="64" autocomplete="off">
<button>${say(language, 'passkeys.add')}</button>`;
	return page(
		view,
		say(language, 'passkeys.add'),
		html`<p>${say(language, 'passkeys.addIntro')}</p>
${alert(view, problem)}
${passkeyFields(view, options, fields)}
${back(view)}`,
		{scripts: [passkeyScript]},
	);
}
