export const account = {
	'account.title': 'Ihr Konto',
	'account.signedIn': 'Sie sind als {userId} angemeldet.',
	'register.title': 'Konto anlegen',
	'register.intro': 'Ihr Konto liegt auf {serverName}. Der Name lässt sich später nicht ändern.',
	'register.submit': 'Konto anlegen',
	'register.closed': 'Hier kann niemand ein Konto anlegen. Bitte fragen Sie die Administration dieses Servers.',
	'register.taken': 'Dieser Name ist vergeben. Bitte wählen Sie einen anderen.',
	'register.badName':
		'Der Name darf Kleinbuchstaben von a bis z, Ziffern und . _ - = / + enthalten und nicht mit _ beginnen.',
	'register.weak': 'Das Passwort braucht mindestens 8 Zeichen.',
	'register.tooLong': 'Das Passwort ist zu lang.',
	'register.differ': 'Die beiden Passwörter sind nicht gleich.',
	'register.wrongToken': 'Das Registrierungstoken ist nicht gültig oder schon aufgebraucht.',
	'setUp.title': 'Diesen Server einrichten',
	'setUp.intro': 'Hiermit entsteht das erste Konto auf {serverName}. Es hat Administrationsrechte.',
	'setUp.doneTitle': 'Das Konto ist angelegt',
	'setUp.done': 'Sie können sich jetzt mit jedem Matrix-Client anmelden.',
	'setUp.linkOver': 'Der Link zu dieser Seite gilt nicht mehr.',
	'setUp.goneTitle': 'Dieser Link gilt nicht',
	'setUp.gone':
		'Er wurde schon benutzt, oder der Server hat inzwischen ein Konto. Gibt es noch keines, zeigt der Server beim Start einen neuen Link.',
};
