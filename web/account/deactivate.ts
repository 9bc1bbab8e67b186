import {html} from '../html.ts';
import {code, form, type Page, page, type View} from '../page.ts';
import {say} from '../text.ts';
import {back, type Outcome, outcome} from './parts.ts';

/** Where people end their account. */
export const deactivatePath = '/account/deactivate';

/** Asks whether the account is to end, and whether what it left is to be forgotten. */
export function deactivateForm(view: View, {userId, ...said}: Outcome & {readonly userId: string}): Page {
	const {language} = view;
	return page(
		view,
		say(language, 'deactivate.title'),
		html`<p>${say(language, 'deactivate.intro')}</p>
${outcome(view, said)}
${form(
	view,
	html`<label><input type="checkbox" name="erase" value="yes">${say(language, 'deactivate.erase')}</label>
<label for="user_id">${say(language, 'deactivate.confirm', {userId: code(userId)})}</label>
<input id="user_id" name="user_id" required dir="ltr" autocapitalize="none" autocomplete="off" spellcheck="false" maxlength="255">
<button class="danger">${say(language, 'deactivate.submit')}</button>`,
)}
${back(view)}`,
	);
}

/** Says that the account has ended. */
export function deactivated(view: View): Page {
	const {language} = view;
	return page(view, say(language, 'deactivate.title'), html`<p role="status">${say(language, 'deactivate.done')}</p>`);
}
