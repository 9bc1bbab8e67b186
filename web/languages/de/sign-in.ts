export const signIn = {
	'signIn.title': 'Anmelden',
	'signIn.intro': 'Melden Sie sich bei Ihrem Konto auf {serverName} an.',
	'signIn.again': 'Bitte bestätigen Sie noch einmal, dass Sie es sind.',
	'signIn.submit': 'Anmelden',
	'signIn.wrong': 'Name oder Passwort ist falsch.',
	'signIn.locked': 'Dieses Konto ist gesperrt. Bitte wenden Sie sich an Ihre Administration.',
	'signIn.deactivated': 'Dieses Konto wurde deaktiviert.',
	'toClient.title': 'Client öffnen',
	'toClient.ask': '{host} möchte sich als {userId} anmelden.',
	'toClient.warning':
		'Dort kann dann alles getan werden, was Sie selbst tun können. Gehen Sie nur weiter, wenn Sie die Anmeldung gerade selbst begonnen haben.',
	'toClient.submit': 'Weiter und dort anmelden',
	'toClient.badAddress': 'Der Client hat eine Adresse angegeben, zu der niemand geschickt werden kann.',
	'fallback.title': 'Bestätigung',
	'fallback.dummy': 'Es ist nur Ihre Zustimmung nötig.',
	'fallback.signIn': 'Der Client, der diese Seite geöffnet hat, möchte sich als {userId} anmelden.',
	'fallback.warning':
		'Fahren Sie nur fort, wenn Sie das gerade selbst in Ihrem Client verlangt haben. Wer sonst Sie hierher geschickt hat, will Ihr Konto benutzen.',
	'fallback.done': 'Fertig. Sie können dieses Fenster schließen und zu Ihrem Client zurückkehren.',
	'fallback.gone': 'Diese Seite gilt nicht mehr. Bitte beginnen Sie in Ihrem Client von vorn.',
	'fallback.wrongToken': 'Das Registrierungstoken ist nicht gültig.',
};
