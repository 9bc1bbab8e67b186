export const oauth = {
	'consent.title': 'Mit einem Programm anmelden',
	'consent.ask': '{client} möchte sich als {userId} anmelden.',
	'consent.host': 'Das Programm kommt von {host}.',
	'consent.device': 'Unter Ihren Sitzungen wird es als {device} stehen.',
	'consent.replaces': 'Sie haben schon eine Sitzung dieses Namens. Sie wird abgemeldet.',
	'consent.stays':
		'Sie haben schon eine Sitzung dieses Namens, und sie bleibt angemeldet. Neue Sitzungen warten hier auf Bestätigung, und keine tritt an die Stelle einer anderen: Lassen Sie das Programm sich als neue anmelden.',
	'consent.warning':
		'Es kann dann alles lesen und tun, was Sie selbst können. Gehen Sie nur weiter, wenn Sie die Anmeldung dort gerade selbst begonnen haben.',
	'consent.allow': 'Anmelden',
	'consent.deny': 'Nicht anmelden',
	'consent.terms': 'Nutzungsbedingungen',
	'consent.policy': 'Datenschutzerklärung',
	'consent.failed':
		'Das Programm, das Sie hierher geschickt hat, hat um etwas gebeten, das nicht geht. Niemand wurde angemeldet.',
	'consent.back': 'Zurück zu {host}',
	'link.title': 'Ein anderes Gerät anmelden',
	'link.intro': 'Geben Sie den Code ein, den das Gerät zeigt.',
	'link.code': 'Code',
	'link.wrong': 'Kein Gerät wartet mit diesem Code. Bitte beginnen Sie am Gerät von vorn.',
	'link.compare': 'Das Gerät muss diesen Code zeigen: {code}',
	'link.warning':
		'Gehen Sie nur weiter, wenn Sie das Gerät in den Händen halten. Hat Ihnen jemand diesen Link oder diesen Code geschickt, so will er in Ihr Konto.',
	'link.done': 'Das Gerät wird in wenigen Sekunden angemeldet.',
	'link.denied': 'Das Gerät wurde nicht angemeldet.',
	'reset.title': 'Ihre Schlüssel ersetzen',
	'reset.intro': 'Ihre Sitzung {device} möchte die Schlüssel ersetzen, an denen andere Sie erkennen.',
	'reset.warning':
		'Andere erfahren, dass sich Ihre Schlüssel geändert haben. Gehen Sie nur weiter, wenn Sie gerade selbst darum gebeten haben, weil Sie Ihre alten Schlüssel nicht mehr benutzen können.',
	'reset.allow': 'Erlauben',
	'reset.done': 'Erlaubt. Bitte gehen Sie jetzt zu Ihrem Client zurück.',
	'reset.gone': 'Keine Ihrer Sitzungen wartet darauf. Bitte beginnen Sie in Ihrem Client von vorn.',
};
