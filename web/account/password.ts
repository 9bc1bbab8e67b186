import {html} from '../html.ts';
import {form, type Page, page, type View} from '../page.ts';
import {newPasswordFields} from '../register.ts';
import {say} from '../text.ts';
import {back, type Outcome, outcome} from './parts.ts';

/** Where people change their password. */
export const passwordPath = '/account/password';

/** The form for a new password. */
export function passwordForm(view: View, said: Outcome): Page {
	const {language} = view;
	return page(
		view,
		say(language, 'password.title'),
		html`${outcome(view, said)}
${form(
	view,
	html`${newPasswordFields(language, 'recover.newPassword')}
<label><input type="checkbox" name="end_others" value="yes" checked>${say(language, 'password.endOthers')}</label>
<button>${say(language, 'password.title')}</button>`,
)}
${back(view)}`,
	);
}
