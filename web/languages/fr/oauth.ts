export const oauth = {
	'consent.title': 'Se connecter avec un programme',
	'consent.ask': '{client} souhaite se connecter en tant que {userId}.',
	'consent.host': 'Le programme vient de {host}.',
	'consent.device': 'Il figurera parmi vos sessions sous le nom {device}.',
	'consent.replaces': 'Vous avez déjà une session de ce nom. Elle sera déconnectée.',
	'consent.stays':
		'Vous avez déjà une session de ce nom, et elle reste connectée. Les nouvelles sessions attendent ici d’être approuvées, et aucune ne prend la place d’une autre : faites ouvrir une nouvelle session au programme.',
	'consent.warning':
		'Il pourra lire et faire tout ce que vous pouvez faire. Ne continuez que si vous venez de commencer vous-même à vous y connecter.',
	'consent.allow': 'Se connecter',
	'consent.deny': 'Ne pas se connecter',
	'consent.terms': 'Conditions d’utilisation',
	'consent.policy': 'Politique de confidentialité',
	'consent.failed':
		'Le programme qui vous a envoyé ici a demandé quelque chose d’impossible. Personne n’a été connecté.',
	'consent.back': 'Revenir à {host}',
	'link.title': 'Connecter un autre appareil',
	'link.intro': 'Saisissez le code que l’appareil affiche.',
	'link.code': 'Code',
	'link.wrong': 'Aucun appareil n’attend avec ce code. Veuillez recommencer sur l’appareil.',
	'link.compare': 'L’appareil doit afficher ce code : {code}',
	'link.warning':
		'Ne continuez que si vous tenez l’appareil entre vos mains. Si quelqu’un vous a envoyé ce lien ou ce code, il essaie d’entrer dans votre compte.',
	'link.done': 'L’appareil sera connecté dans quelques secondes.',
	'link.denied': 'L’appareil n’a pas été connecté.',
	'reset.title': 'Remplacer vos clés',
	'reset.intro': 'Votre session {device} souhaite remplacer les clés auxquelles les autres vous reconnaissent.',
	'reset.warning':
		'Les autres apprendront que vos clés ont changé. Ne continuez que si vous venez de le demander vous-même, parce que vous ne pouvez plus utiliser vos anciennes clés.',
	'reset.allow': 'Autoriser',
	'reset.done': 'C’est autorisé. Veuillez maintenant revenir à votre client.',
	'reset.gone': 'Aucune de vos sessions n’attend cela. Veuillez recommencer dans votre client.',
};
