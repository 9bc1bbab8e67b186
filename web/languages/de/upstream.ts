export const upstream = {
	'upstream.with': 'Weiter mit {name}',
	'upstream.title': 'Andere Dienste',
	'upstream.intro': 'Diese Dienste können Sie bei diesem Konto anmelden.',
	'upstream.link': '{name} darf mich anmelden',
	'upstream.unlink': '{name} darf mich nicht mehr anmelden',
	'upstream.unavailable': 'Der andere Dienst ist gerade nicht zu erreichen. Bitte versuchen Sie es gleich noch einmal.',
	'upstream.refused': 'Der andere Dienst hat nicht gesagt, wer Sie sind. Bitte versuchen Sie es noch einmal.',
	'upstream.notAskedAnew':
		'Der andere Dienst sagt nicht, dass er gerade nachgefragt hat, wer Sie sind. Bitte weisen Sie sich hier auf andere Weise aus, oder wenden Sie sich an die Verwaltung dieses Servers.',
	'upstream.over':
		'Das hat zu lange gedauert oder in einem anderen Browser begonnen. Bitte versuchen Sie es noch einmal.',
	'upstream.noAccount': 'Sie haben hier kein Konto. Bitte wenden Sie sich an die Verwaltung dieses Servers.',
	'upstream.linkedElsewhere': 'Der andere Dienst meldet Sie hier bei einem anderen Konto an.',
};
