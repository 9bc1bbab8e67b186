import type {NoticeTexts} from './en.ts';

export const de: NoticeTexts = {
	roomName: 'Mitteilungen des Servers',
	senderName: 'Mitteilungen des Servers',
	unnamed: 'eine Sitzung ohne Namen',
	when: 'Zeit: {time}',
	advice:
		'Wenn Sie das nicht waren: Melden Sie diese Sitzung ab und ändern Sie Ihr Passwort unter {link}, und sagen Sie es Ihrer Administration.',
	subject: 'Ihr Konto bei {server}',
	'address-added': 'Für Ihr Konto wurde eine E-Mail-Adresse eingetragen.',
	'address-removed': 'Die E-Mail-Adresse Ihres Kontos wurde entfernt oder ersetzt.',
	'browser-sign-in': 'Jemand hat sich in einem Browser auf den Seiten Ihres Kontos angemeldet.',
	'cross-signing-reset':
		'Die Schlüssel, mit denen Ihre Sitzungen füreinander bürgen, wurden ersetzt. Andere werden gewarnt, dass sich Ihre Identität geändert hat.',
	'factor-code':
		'Jemand, der Ihr Passwort kennt, will in einem Browser Ihr Konto ändern. Wenn Sie es sind, geben Sie dort diesen Code ein: {code}. Geben Sie ihn niemandem, wer auch fragt.',
	'factor-wanted': 'Jemand, der Ihr Passwort kennt, will in einem Browser Ihr Konto ändern.',
	'identity-linked': 'Ihr Konto wurde mit einem anderen Dienst verknüpft, der Sie von nun an anmelden kann.',
	'identity-unlinked': 'Die Verknüpfung Ihres Kontos mit einem Dienst, der Sie anmelden konnte, wurde entfernt.',
	'passkey-added': 'Ihrem Konto wurde ein Passkey hinzugefügt.',
	'passkey-removed': 'Ein Passkey Ihres Kontos wurde entfernt.',
	'password-changed': 'Das Passwort Ihres Kontos wurde geändert.',
	'password-known':
		'Jemand hat das richtige Passwort Ihres Kontos angegeben und konnte Ihren zweiten Faktor nicht vorzeigen. Die Anmeldung wurde abgelehnt. Wenn Sie es waren, mit einem Programm, das keinen zweiten Faktor kennt: Melden Sie sich dort über den Browser an.',
	'password-recovered': 'Das Passwort Ihres Kontos wurde über einen Link ersetzt, der per E-Mail kam.',
	'recovery-code-used': 'Ein Wiederherstellungscode Ihres Kontos wurde benutzt.',
	'recovery-codes-renewed':
		'Für Ihr Konto wurden neue Wiederherstellungscodes erstellt. Die bisherigen gelten nicht mehr.',
	'recovery-refused':
		'Jemand hat einen Link für ein neues Passwort geöffnet, der an Ihre E-Mail-Adresse ging, und konnte nicht zeigen, dass er Sie ist. Nichts wurde geändert.',
	'session-copied':
		'Ein Zugangsschlüssel einer Ihrer Sitzungen kam zweimal, wie wenn jemand ihn kopiert hat. Diese Sitzung wurde abgemeldet.',
	'session-approved': 'Eine Sitzung wurde bestätigt und sieht nun, was Sie sehen: {device}.',
	'source-ends':
		'Ein Konto, das einer Ihrer Quellen-Links vergeben hat, endet in höchstens drei Tagen und wird gelöscht. Welches, steht in Ihrer Liste der Quellen-Links.',
	'sign-in': 'Eine neue Sitzung hat sich bei Ihrem Konto angemeldet: {device}.',
	approve: 'Sitzung bestätigen',
	'sign-in-waiting':
		'Eine neue Sitzung hat sich bei Ihrem Konto angemeldet und wartet auf Bestätigung: {device}. Bis dahin sieht sie nichts. Wenn es Ihre ist, bestätigen Sie sie hier: {approval}',
	'totp-added': 'Ihrem Konto wurde eine Authenticator-App hinzugefügt.',
	'totp-removed': 'Die Authenticator-App Ihres Kontos wurde entfernt.',
	recoverSubject: 'Ein neues Passwort bei {server}',
	recoverText:
		'Jemand hat für ein Konto mit dieser Adresse bei {server} ein neues Passwort angefordert. Wenn Sie das waren, öffnen Sie innerhalb von {minutes} Minuten diesen Link, möglichst in dem Browser, in dem Sie gefragt haben:\n\n{link}\n\nWenn nicht, ist nichts zu tun: Wer nur diesen Link hat, kann ihn nicht benutzen. Geben Sie ihn niemandem.',
	confirmSubject: 'Ihre Adresse bei {server}',
	confirmText:
		'Jemand möchte diese Adresse für ein Konto bei {server} verwenden. Wenn Sie das waren, öffnen Sie innerhalb von {minutes} Minuten diesen Link und bestätigen Sie es dort:\n\n{link}\n\nWenn nicht, ist nichts zu tun.',
};
