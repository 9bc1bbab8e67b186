import {type Html, html} from './html.ts';
import {alert, authDonePath, page} from './page.ts';

const formOf: Readonly<Record<string, Html>> = {
	'm.login.dummy': html`<p>Nothing is needed but your consent to go on.</p>
<button type="submit">Continue</button>`,
	'm.login.password': html`<label for="user">Name</label>
<input id="user" name="user" required autofocus autocapitalize="none" autocomplete="username" spellcheck="false">
<label for="password">Password</label>
<input id="password" name="password" type="password" required autocomplete="current-password">
<button type="submit">Continue</button>`,
	'm.login.registration_token': html`<label for="token">Registration token</label>
<input id="token" name="token" required autofocus autocapitalize="none" autocomplete="off" spellcheck="false" maxlength="64">
<button type="submit">Continue</button>`,
};

/** The page on which a stage is completed without the client's help; it is sent to its own address. */
export function authFallbackForm(stage: string, problem: string | undefined): string {
	return page('Authentication', html`${alert(problem)}<form method="post">${formOf[stage] ?? html``}</form>`);
}

/** A stage that is completed: the script tells the client's window so. */
export function authFallbackDone(): string {
	return page('Authentication', html`<p>Done. You may close this window and go back to your client.</p>`, {
		script: authDonePath,
	});
}

/** A session that is over, or never was, or does not wait for this stage. */
export function authFallbackGone(): string {
	return page('Authentication', html`<p>This page is no longer of use: please begin again in your client.</p>`);
}
