/** English, which the other languages are measured by: they have the same keys, and the same places in their texts. */
export const en = {
	roomName: 'Notices of the server',
	senderName: 'Server notices',
	unnamed: 'a session without a name',
	when: 'When: {time}',
	advice: 'If this was not you: sign that session out and change your password at {link}, and tell your administrator.',
	subject: 'Your account at {server}',
	'address-added': 'An e-mail address was set for your account.',
	'address-removed': 'The e-mail address of your account was removed or replaced.',
	'browser-sign-in': 'Somebody signed in to the pages of your account in a browser.',
	'cross-signing-reset':
		'The keys by which your sessions vouch for each other were replaced. Others will be warned that your identity has changed.',
	'factor-code':
		'Somebody who knows your password wants to change your account in a browser. If it is you, type this code in there: {code}. Give it to nobody, whoever asks.',
	'factor-wanted': 'Somebody who knows your password wants to change your account in a browser.',
	'identity-linked': 'Another service was linked to your account, and can sign you in from now on.',
	'identity-unlinked': 'A service that could sign you in was unlinked from your account.',
	'passkey-added': 'A passkey was added to your account.',
	'passkey-removed': 'A passkey of your account was removed.',
	'password-changed': 'The password of your account was changed.',
	'password-known':
		'Somebody gave the right password of your account and could not show your second factor. They were not let in. If it was you, in a client that knows no second factor: sign in there through the browser.',
	'password-recovered': 'The password of your account was replaced by means of a link sent by e-mail.',
	'recovery-code-used': 'A recovery code of your account was used.',
	'recovery-codes-renewed': 'New recovery codes were made for your account. Those from before are good no more.',
	'recovery-refused':
		'Somebody opened a link that was sent to your e-mail address to set a new password, and could not show that they are you. Nothing was changed.',
	'session-copied':
		'A token of one of your sessions came twice, as it does when somebody has copied it. That session was signed out.',
	'session-approved': 'A session was approved, and now sees what you see: {device}.',
	'source-ends':
		'An account that one of your source links has given ends within three days, and is erased. Your list of source links says which.',
	'sign-in': 'A new session signed in to your account: {device}.',
	approve: 'Approve the session',
	'sign-in-waiting':
		'A new session signed in to your account and waits for approval: {device}. It sees nothing until then. If it is yours, approve it here: {approval}',
	'totp-added': 'An authenticator app was added to your account.',
	'totp-removed': 'The authenticator app of your account was removed.',
	recoverSubject: 'A new password at {server}',
	recoverText:
		'Somebody asked for a new password for an account with this address at {server}. If it was you, open this link within {minutes} minutes, if you can in the browser in which you asked:\n\n{link}\n\nIf it was not you, there is nothing to do: who has only this link cannot use it. Give it to nobody.',
	confirmSubject: 'Your address at {server}',
	confirmText:
		'Somebody wants to use this address for an account at {server}. If it was you, open this link within {minutes} minutes and confirm it there:\n\n{link}\n\nIf it was not you, there is nothing to do.',
};

/** The texts of a language. */
export type NoticeTexts = Readonly<Record<keyof typeof en, string>>;
