export const source = {
	'source.title': 'Ein vertrauliches Gespräch',
	'source.intro':
		'Jemand hat Sie zu einem vertraulichen Gespräch eingeladen. Hier entsteht ein Konto mit einem zufälligen Namen, nur für dieses Gespräch.',
	'source.nothingKept': 'Sie werden nach nichts gefragt. Ihre Adresse und Ihr Browser werden nicht aufgeschrieben.',
	'source.madeTitle': 'Ihr Konto',
	'source.writeDown': 'Bitte schreiben Sie sich das jetzt auf: Es wird nicht noch einmal gezeigt.',
	'source.made': 'Sie sind hier angemeldet, bis Sie diesen Browser schließen. Aufschreiben müssen Sie nichts.',
	'source.next':
		'Nehmen Sie jetzt ein Matrix-Programm, das verschlüsselt, zum Beispiel Element, in diesem Browser oder auf diesem Gerät, und geben Sie dort den Server von oben an. Es schickt Sie hierher zurück, wo Sie ihm die Anmeldung erlauben. Dort gibt es einen Raum, in dem Sie erwartet werden.',
	'source.otherTitle': 'Ein anderes Gerät, oder ein Programm, das ein Passwort will?',
	'source.other':
		'Lassen Sie dafür ein Passwort machen. Auf dem anderen Gerät geben Sie Name und Server von oben an. Ein früheres Passwort gilt dann nicht mehr.',
	'source.makePassword': 'Ein Passwort machen',
	'source.end':
		'Das Konto und was Sie geschrieben haben enden am {day}, oder wenn Sie es {days} Tage lang nicht benutzt haben.',
	'source.gone':
		'Er wurde schon benutzt oder ist abgelaufen. Bitte lassen Sie sich von der Person, die ihn Ihnen gegeben hat, einen neuen geben.',
};
