export const sourceLinks = {
	'sourceLinks.title': 'Links für Quellen',
	'sourceLinks.intro':
		'Ein Link gibt jemandem ein Wegwerfkonto für einen verschlüsselten Raum mit Ihnen. Er kann einmal geöffnet werden.',
	'sourceLinks.made': 'Schicken Sie diesen Link auf einem Weg, dem Sie trauen. Er wird nicht noch einmal gezeigt:',
	'sourceLinks.name': 'Worum es geht',
	'sourceLinks.nameHint': 'Das sehen nur Sie.',
	'sourceLinks.members': 'Wer noch im Raum ist',
	'sourceLinks.membersHint': 'Namen von Personen dieses Servers, mit Kommas dazwischen',
	'sourceLinks.days': 'Nach wie vielen Tagen das Konto endet',
	'sourceLinks.create': 'Link erstellen',
	'sourceLinks.links': 'Links, die geöffnet werden können',
	'sourceLinks.until': 'Kann bis {day} geöffnet werden. Geöffnet: {done} von {allowed}',
	'sourceLinks.remove': 'Zurücknehmen: {name}',
	'sourceLinks.sources': 'Konten von Quellen',
	'sourceLinks.ends': 'Endet spätestens am {day}',
	'sourceLinks.end': '{name} beenden und löschen',
	'sourceLinks.notAllowed': 'Sie dürfen auf diesem Server keine Links für Quellen erstellen.',
	'sourceLinks.invalid': 'Dieser Link kann nicht erstellt werden: Bitte prüfen Sie Ihre Angaben.',
	'sourceLinks.notForSources':
		'Dieses Konto ist für ein einziges Gespräch und endet von selbst: Es nimmt keine Adresse, keinen zweiten Faktor und keine andere Änderung der Anmeldung an.',
};
