import {type Html, html} from './html.ts';
import type {TextKey} from './languages/index.ts';
import {alert, form, type Page, page, type View} from './page.ts';
import {newPasswordFields} from './register.ts';
import {recoverPath, signInPath} from './sign-in.ts';
import {say} from './text.ts';

/** Asks who wants a link. */
export function recoverForm(view: View): Page {
	const {language} = view;
	return page(
		view,
		say(language, 'recover.title'),
		html`<p>${say(language, 'recover.intro')}</p>
${form(
	view,
	html`<label for="name">${say(language, 'recover.name')}</label>
<input id="name" name="name" required autofocus dir="ltr" autocapitalize="none" autocomplete="username" spellcheck="false" maxlength="255">
<button>${say(language, 'recover.submit')}</button>`,
)}`,
	);
}

/** Says the same whoever asked for whom. */
export function recoverAsked(view: View, minutes: number): Page {
	const {language} = view;
	return page(
		view,
		say(language, 'recover.title'),
		html`<p role="status">${say(language, 'recover.asked', {minutes})}</p>`,
	);
}

/** What is asked of who has opened a link. */
export interface LinkForm {
	/** Whether a password is set on the page; otherwise a client waits for a confirmation. */
	readonly setsPassword: boolean;
	readonly wantsName: boolean;
	readonly wantsCode: boolean;
	readonly hasPasskey: boolean;
	readonly problem: TextKey | undefined;
}

/** The page that a link leads to. */
export function recoverLinkForm(view: View, wanted: LinkForm): Page {
	const {language} = view;
	const {setsPassword, wantsName, wantsCode, hasPasskey, problem} = wanted;
	const title = say(language, setsPassword ? 'recover.newTitle' : 'recover.confirmTitle');
	const passkey = html`<p>${say(language, 'recover.passkey')} <a href="${signInPath}">${say(language, 'signIn.title')}</a></p>`;
	return page(
		view,
		title,
		html`${setsPassword ? html`` : html`<p>${say(language, 'recover.confirmIntro')}</p>`}
${alert(view, problem)}
${form(
	view,
	html`${wantsName ? nameField(view) : html``}
${wantsCode ? codeField(view) : html``}
${setsPassword ? passwordFields(view) : html``}
<button>${say(language, setsPassword ? 'recover.submitNew' : 'recover.confirmSubmit')}</button>`,
)}
${hasPasskey ? passkey : html``}
${setsPassword ? html`` : takeForm(view)}`,
	);
}

/** Lets who asked in no client use the link for themselves: strangers may have asked in theirs. */
function takeForm(view: View): Html {
	const {language} = view;
	const button = html`<button class="second" name="act" value="take">${say(language, 'recover.take')}</button>`;
	return html`<p>${say(language, 'recover.takeIntro')}</p>
${form(view, button)}`;
}

function nameField({language}: View): Html {
	return html`<label for="name">${say(language, 'recover.whose')}</label>
<input id="name" name="name" required dir="ltr" autocapitalize="none" autocomplete="username" spellcheck="false" maxlength="255" aria-describedby="name-hint">
<p class="hint" id="name-hint">${say(language, 'recover.whoseHint')}</p>`;
}

/** A field for a code of a generator, or a recovery code; `id` where a page has several. */
export function codeField({language}: View, id = 'code'): Html {
	return html`<label for="${id}">${say(language, 'factor.code')}</label>
<input id="${id}" name="code" dir="ltr" autocapitalize="none" autocomplete="one-time-code" spellcheck="false" maxlength="40">`;
}

function passwordFields({language}: View): Html {
	return html`${newPasswordFields(language, 'recover.newPassword')}
<label><input type="checkbox" name="sign_out" value="yes" checked>${say(language, 'recover.signOut')}</label>`;
}

/** Says in one sentence what has come of it. */
export function recoverDone(view: View, text: 'recover.confirmed' | 'recover.done'): Page {
	const {language} = view;
	const link = html`<p><a href="${signInPath}">${say(language, 'signIn.title')}</a></p>`;
	return page(
		view,
		say(language, 'recover.title'),
		html`<p role="status">${say(language, text)}</p>${text === 'recover.done' ? link : html``}`,
	);
}

/** A link that is good no more, and where to ask for another one. */
export function recoverGone(view: View): Page {
	const {language} = view;
	return page(
		view,
		say(language, 'recover.title'),
		html`<p role="alert">${say(language, 'recover.gone')}</p>
<p><a href="${recoverPath}">${say(language, 'recover.title')}</a></p>`,
	);
}
