export const signIn = {
	'signIn.title': 'Se connecter',
	'signIn.intro': 'Connectez-vous à votre compte sur {serverName}.',
	'signIn.again': 'Avant de continuer, veuillez confirmer encore une fois que c’est bien vous.',
	'signIn.submit': 'Se connecter',
	'signIn.wrong': 'Le nom ou le mot de passe est incorrect.',
	'signIn.locked': 'Ce compte est bloqué. Veuillez vous adresser à l’administration.',
	'signIn.deactivated': 'Ce compte a été désactivé.',
	'toClient.title': 'Ouvrir un client',
	'toClient.ask': '{host} veut se connecter en tant que {userId}.',
	'toClient.warning':
		'Il pourra faire tout ce que vous pouvez faire. Ne continuez que si vous venez vous-même de commencer à vous y connecter.',
	'toClient.submit': 'Continuer et s’y connecter',
	'toClient.badAddress': 'Le client a donné une adresse vers laquelle on ne peut envoyer personne.',
	'fallback.title': 'Authentification',
	'fallback.dummy': 'Seul votre accord est nécessaire pour continuer.',
	'fallback.signIn': 'Le client qui a ouvert cette page veut se connecter en tant que {userId}.',
	'fallback.warning':
		'Continuez seulement si vous venez de demander cela dans votre client. Toute autre personne qui vous envoie ici veut utiliser votre compte.',
	'fallback.done': 'C’est fait. Vous pouvez fermer cette fenêtre et revenir à votre client.',
	'fallback.gone': 'Cette page n’est plus valable. Veuillez recommencer dans votre client.',
	'fallback.wrongToken': 'Le jeton d’inscription n’est pas valable.',
};
