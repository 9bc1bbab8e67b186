export const account = {
	'account.title': 'Votre compte',
	'account.signedIn': 'Vous êtes connecté en tant que {userId}.',
	'register.title': 'Créer un compte',
	'register.intro': 'Votre compte sera sur {serverName}. Le nom ne pourra plus être changé.',
	'register.submit': 'Créer le compte',
	'register.closed': 'Personne ne peut créer de compte ici. Veuillez vous adresser à l’administration de ce serveur.',
	'register.taken': 'Ce nom est déjà pris. Veuillez en choisir un autre.',
	'register.badName':
		'Le nom peut contenir des lettres minuscules de a à z, des chiffres et . _ - = / + et ne doit pas commencer par _.',
	'register.weak': 'Le mot de passe doit avoir au moins 8 caractères.',
	'register.tooLong': 'Le mot de passe est trop long.',
	'register.differ': 'Les deux mots de passe ne sont pas identiques.',
	'register.wrongToken': 'Le jeton d’inscription n’est pas valable, ou a déjà été utilisé.',
	'setUp.title': 'Configurer ce serveur',
	'setUp.intro': 'Ceci crée le premier compte sur {serverName}. C’est un compte d’administration.',
	'setUp.doneTitle': 'Le compte est créé',
	'setUp.done': 'Vous pouvez maintenant vous connecter avec n’importe quel client Matrix.',
	'setUp.linkOver': 'Le lien vers cette page ne fonctionne plus.',
	'setUp.goneTitle': 'Ce lien ne fonctionne pas',
	'setUp.gone':
		'Il a déjà servi, ou le serveur a maintenant un compte. S’il n’en a pas, le serveur affiche un nouveau lien à son démarrage.',
};
