export const upstream = {
	'upstream.with': 'Continuer avec {name}',
	'upstream.title': 'Autres services',
	'upstream.intro': 'Ces services peuvent vous connecter à ce compte.',
	'upstream.link': 'Laisser {name} me connecter',
	'upstream.unlink': 'Ne plus laisser {name} me connecter',
	'upstream.unavailable': 'L’autre service est injoignable pour le moment. Réessayez dans un instant.',
	'upstream.refused': 'L’autre service n’a pas dit qui vous êtes. Veuillez réessayer.',
	'upstream.notAskedAnew':
		'L’autre service ne dit pas qu’il vient de vérifier qui vous êtes. Prouvez-le ici d’une autre manière, ou adressez-vous à l’administration de ce serveur.',
	'upstream.over': 'Cela a pris trop de temps, ou a commencé dans un autre navigateur. Veuillez réessayer.',
	'upstream.noAccount': 'Vous n’avez pas de compte ici. Adressez-vous à l’administration de ce serveur.',
	'upstream.linkedElsewhere': 'L’autre service vous connecte à un autre compte ici.',
};
