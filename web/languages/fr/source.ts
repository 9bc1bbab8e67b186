export const source = {
	'source.title': 'Une conversation privée',
	'source.intro':
		'Quelqu’un vous a invité à une conversation privée. Ceci crée un compte au nom aléatoire, pour cette seule conversation.',
	'source.nothingKept': 'Rien ne vous est demandé. Votre adresse et votre navigateur ne sont pas notés.',
	'source.madeTitle': 'Votre compte',
	'source.writeDown': 'Notez ceci maintenant : ce ne sera plus affiché.',
	'source.made': 'Vous êtes connecté ici, jusqu’à ce que vous fermiez ce navigateur. Il n’y a rien à noter.',
	'source.next':
		'Prenez maintenant un client Matrix qui chiffre, comme Element, dans ce navigateur ou sur cet appareil, et donnez-lui le serveur ci-dessus. Il vous renvoie ici, où vous l’autorisez à se connecter. Il y a un salon, où l’on vous attend.',
	'source.otherTitle': 'Un autre appareil, ou un client qui veut un mot de passe ?',
	'source.other':
		'Faites-en créer un. Sur l’autre appareil, donnez le nom et le serveur ci-dessus. Un mot de passe précédent ne vaut alors plus rien.',
	'source.makePassword': 'Créer un mot de passe',
	'source.end': 'Le compte et ce que vous avez écrit prennent fin le {day}, ou après {days} jours sans utilisation.',
	'source.gone': 'Il a déjà été utilisé, ou a expiré. Demandez-en un nouveau à la personne qui vous l’a donné.',
};
