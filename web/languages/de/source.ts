export const source = {
	'source.title': 'Ein vertrauliches Gespräch',
	'source.intro':
		'Jemand hat Sie zu einem vertraulichen Gespräch eingeladen. Hier entsteht ein Konto mit einem zufälligen Namen, nur für dieses Gespräch.',
	'source.nothingKept': 'Sie werden nach nichts gefragt. Ihre Adresse und Ihr Browser werden nicht aufgeschrieben.',
	'source.madeTitle': 'Ihr Konto',
	'source.made': 'Bitte schreiben Sie sich das jetzt auf: Es wird nicht noch einmal gezeigt.',
	'source.next':
		'Melden Sie sich mit einem Matrix-Programm an, das verschlüsselt, zum Beispiel Element. Dort gibt es einen Raum, in dem Sie erwartet werden.',
	'source.end':
		'Das Konto und was Sie geschrieben haben enden am {day}, oder wenn Sie es {days} Tage lang nicht benutzt haben.',
	'source.gone':
		'Er wurde schon benutzt oder ist abgelaufen. Bitte lassen Sie sich von der Person, die ihn Ihnen gegeben hat, einen neuen geben.',
};
