export const factors = {
	'factor.title': 'Zweiter Schritt',
	'factor.intro': 'Bitte zeigen Sie, dass wirklich Sie es sind.',
	'factor.code': 'Code aus Ihrer Code-App oder ein Wiederherstellungscode',
	'factor.wrong': 'Der Code ist falsch, schon benutzt oder abgelaufen.',
	'factor.chooseTitle': 'Zweiten Faktor einrichten',
	'factor.choose':
		'Auf diesem Server genügt ein Passwort allein nicht. Bitte wählen Sie, was Sie zusätzlich benutzen möchten.',
	'factor.vouching':
		'Dieses Konto ist in Gebrauch, deshalb genügt sein Passwort allein hierfür nicht. Bitte geben Sie einen Code ein: Der Server schickt ihn an die Sitzungen, in denen Sie angemeldet sind, oder Ihre Administration gibt Ihnen einen.',
	'factor.vouchingCode': 'Code aus einer Ihrer Sitzungen oder von Ihrer Administration',
	'factor.askSessions': 'Code an meine Sitzungen schicken',
	'factor.sessionsAsked':
		'Wenn Sie irgendwo angemeldet sind, ist der Code jetzt dort, bei den Mitteilungen des Servers.',
	'passkey.title': 'Passkey',
	'passkey.signIn': 'Passkey benutzen',
	'passkey.use': 'Ihr Browser bittet Sie gleich, Ihren Passkey zu entsperren.',
	'passkey.needsScript': 'Passkeys brauchen JavaScript, das in diesem Browser ausgeschaltet ist.',
	'passkey.wrong':
		'Das hat nicht geklappt: Der Passkey ist hier unbekannt, oder es hat zu lange gedauert. Bitte versuchen Sie es noch einmal.',
	'passkey.notHere': 'Passkeys funktionieren unter der Adresse dieses Servers nicht.',
	'passkeys.title': 'Passkeys',
	'passkeys.intro':
		'Ein Passkey liegt auf Ihrem Telefon, Ihrem Computer oder einem Sicherheitsschlüssel. Er meldet Sie ohne Passwort an, und niemand kann ihn Ihnen ablisten.',
	'passkeys.none': 'Sie haben noch keinen Passkey.',
	'passkeys.added': 'Hinzugefügt am {day}.',
	'passkeys.used': 'Zuletzt benutzt am {day}.',
	'passkeys.name': 'Name des Passkeys',
	'passkeys.rename': 'Umbenennen',
	'passkeys.remove': 'Entfernen',
	'passkeys.add': 'Passkey hinzufügen',
	'passkeys.addIntro':
		'Geben Sie ihm einen Namen, an dem Sie ihn wiedererkennen. Ihr Browser fragt dann, wo er liegen soll.',
	'passkeys.exists': 'Dieser Passkey ist schon eingerichtet.',
	'passkeys.tooMany': 'Mehr Passkeys sind nicht möglich. Bitte entfernen Sie zuerst einen.',
	'passkeys.badName': 'Der Name braucht 1 bis 64 Zeichen.',
	'totp.title': 'Code-App',
	'totp.intro': 'Eine Code-App zeigt jede halbe Minute einen neuen Code. Sie braucht kein Netz.',
	'totp.on': 'Ihre Code-App ist eingerichtet.',
	'totp.begin': 'Code-App einrichten',
	'totp.scan': 'Scannen Sie dieses Bild mit der App, oder tippen Sie das Geheimnis darunter ein.',
	'totp.picture': 'Bild des Geheimnisses zum Scannen',
	'totp.secret': 'Geheimnis',
	'totp.code': 'Code, den die App jetzt zeigt',
	'totp.remove': 'Code-App entfernen',
	'recovery.title': 'Wiederherstellungscodes',
	'recovery.intro':
		'Ein Wiederherstellungscode ersetzt einmal Ihren Passkey oder Ihre Code-App. Bewahren Sie die Codes auf Papier auf, getrennt von Ihren Geräten.',
	'recovery.left': 'Übrige Codes: {count}',
	'recovery.make': 'Neue Wiederherstellungscodes erzeugen',
	'recovery.makeHint': 'Die bisherigen gelten dann nicht mehr.',
	'recovery.shown':
		'Das sind Ihre Wiederherstellungscodes. Sie werden nur dieses eine Mal gezeigt: Bitte schreiben Sie sie auf.',
	'recovery.none':
		'Bitte richten Sie zuerst einen Passkey oder eine Code-App ein: Wiederherstellungscodes ersetzen diese.',
	'recovery.done': 'Ich habe sie aufgeschrieben',
};
