import {html} from './html.ts';
import {alert, page} from './page.ts';

/** The form by which the first administrator makes an account; it is sent to the page's own address. */
export function setUpForm(form: {
	readonly serverName: string;
	readonly username: string;
	readonly problem: string | undefined;
}): string {
	return page(
		'Set up this server',
		html`<p>This makes the first account on <strong>${form.serverName}</strong>. It is an administrator's.</p>
${alert(form.problem)}
<form method="post">
<label for="username">Name</label>
<input id="username" name="username" value="${form.username}" required autofocus autocapitalize="none" autocomplete="username" spellcheck="false" maxlength="200" aria-describedby="username-hint">
<p class="hint" id="username-hint">Small letters, digits and . _ - = / +</p>
<label for="password">Password</label>
<input id="password" name="password" type="password" required minlength="8" autocomplete="new-password" aria-describedby="password-hint">
<p class="hint" id="password-hint">At least 8 characters</p>
<label for="repeated">Password again</label>
<input id="repeated" name="repeated" type="password" required minlength="8" autocomplete="new-password">
<button type="submit">Make the account</button>
</form>`,
	);
}

/** What follows: how to sign in. */
export function setUpDone(account: {readonly userId: string; readonly publicUrl: string}): string {
	return page(
		'The account is made',
		html`<p>Sign in with any Matrix client:</p>
<dl>
<dt>User ID</dt><dd><code>${account.userId}</code></dd>
<dt>Homeserver</dt><dd><code>${account.publicUrl}</code></dd>
</dl>
<p>The link to this page no longer works.</p>`,
	);
}

/** A link that was used, or never was one. */
export function setUpGone(): string {
	return page(
		'This link does not work',
		html`<p>It was used already, or the server has an account by now. Where there is none, the server prints a new link when it starts.</p>`,
	);
}
