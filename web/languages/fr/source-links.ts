export const sourceLinks = {
	'sourceLinks.title': 'Liens pour sources',
	'sourceLinks.intro':
		'Un lien donne à quelqu’un un compte jetable pour un salon chiffré avec vous. Il ne peut être ouvert qu’une fois.',
	'sourceLinks.made': 'Envoyez ce lien par une voie sûre. Il ne sera plus affiché :',
	'sourceLinks.name': 'De quoi il s’agit',
	'sourceLinks.nameHint': 'Vous seul le voyez.',
	'sourceLinks.members': 'Qui d’autre est dans le salon',
	'sourceLinks.membersHint': 'Noms de personnes de ce serveur, séparés par des virgules',
	'sourceLinks.days': 'Nombre de jours après lesquels le compte prend fin',
	'sourceLinks.create': 'Créer un lien',
	'sourceLinks.links': 'Liens qui peuvent être ouverts',
	'sourceLinks.until': 'Peut être ouvert jusqu’au {day}. Ouvert : {done} sur {allowed}',
	'sourceLinks.remove': 'Retirer : {name}',
	'sourceLinks.sources': 'Comptes de sources',
	'sourceLinks.ends': 'Prend fin le {day} au plus tard',
	'sourceLinks.end': 'Mettre fin à {name} et l’effacer',
	'sourceLinks.notAllowed': 'Vous ne pouvez pas créer de liens pour sources sur ce serveur.',
	'sourceLinks.invalid': 'Ce lien ne peut pas être créé : vérifiez ce que vous avez saisi.',
	'sourceLinks.notForSources':
		'Ce compte sert à une seule conversation et prend fin de lui-même : il n’accepte ni adresse, ni second facteur, ni autre changement de la connexion.',
};
