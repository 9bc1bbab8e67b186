export const source = {
	'source.title': 'Une conversation privée',
	'source.intro':
		'Quelqu’un vous a invité à une conversation privée. Ceci crée un compte au nom aléatoire, pour cette seule conversation.',
	'source.nothingKept': 'Rien ne vous est demandé. Votre adresse et votre navigateur ne sont pas notés.',
	'source.madeTitle': 'Votre compte',
	'source.made': 'Notez ceci maintenant : ce ne sera plus affiché.',
	'source.next':
		'Connectez-vous avec un client Matrix qui chiffre, comme Element. Il y a un salon, où l’on vous attend.',
	'source.end': 'Le compte et ce que vous avez écrit prennent fin le {day}, ou après {days} jours sans utilisation.',
	'source.gone': 'Il a déjà été utilisé, ou a expiré. Demandez-en un nouveau à la personne qui vous l’a donné.',
};
