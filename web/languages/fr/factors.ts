export const factors = {
	'factor.title': 'Deuxième étape',
	'factor.intro': 'Veuillez montrer que c’est bien vous.',
	'factor.code': 'Code de votre application, ou un code de secours',
	'factor.wrong': 'Ce code est faux, déjà utilisé ou expiré.',
	'factor.chooseTitle': 'Configurer un second facteur',
	'factor.choose':
		'Sur ce serveur, un mot de passe ne suffit pas. Veuillez choisir ce que vous voulez utiliser en plus.',
	'factor.vouching':
		'Ce compte est utilisé : son mot de passe seul ne suffit donc pas ici. Veuillez saisir un code : le serveur l’envoie aux sessions où vous êtes connecté, ou votre administrateur vous en donne un.',
	'factor.vouchingCode': 'Code reçu dans l’une de vos sessions ou de votre administrateur',
	'factor.askSessions': 'Envoyer un code à mes sessions',
	'factor.sessionsAsked':
		'Si vous êtes connecté quelque part, le code s’y trouve maintenant, parmi les avis du serveur.',
	'passkey.title': 'Clé d’accès',
	'passkey.signIn': 'Utiliser une clé d’accès',
	'passkey.use': 'Votre navigateur va vous demander de déverrouiller votre clé d’accès.',
	'passkey.needsScript': 'Les clés d’accès ont besoin de JavaScript, qui est désactivé dans ce navigateur.',
	'passkey.wrong':
		'Cela n’a pas marché : la clé d’accès est inconnue ici, ou l’opération a duré trop longtemps. Veuillez réessayer.',
	'passkey.notHere': 'Les clés d’accès ne fonctionnent pas à l’adresse de ce serveur.',
	'passkeys.title': 'Clés d’accès',
	'passkeys.intro':
		'Une clé d’accès est gardée par votre téléphone, votre ordinateur ou une clé de sécurité. Elle vous connecte sans mot de passe, et personne ne peut vous la soutirer.',
	'passkeys.none': 'Vous n’avez pas encore de clé d’accès.',
	'passkeys.added': 'Ajoutée le {day}.',
	'passkeys.used': 'Utilisée pour la dernière fois le {day}.',
	'passkeys.name': 'Nom de la clé d’accès',
	'passkeys.rename': 'Renommer',
	'passkeys.remove': 'Supprimer',
	'passkeys.add': 'Ajouter une clé d’accès',
	'passkeys.addIntro':
		'Donnez-lui un nom auquel vous la reconnaîtrez. Votre navigateur demandera ensuite où la garder.',
	'passkeys.exists': 'Cette clé d’accès est déjà configurée.',
	'passkeys.tooMany': 'Vous avez le nombre maximal de clés d’accès. Veuillez d’abord en supprimer une.',
	'passkeys.badName': 'Le nom doit avoir de 1 à 64 caractères.',
	'totp.title': 'Générateur de codes',
	'totp.intro':
		'Un générateur de codes est une application qui affiche un nouveau code toutes les trente secondes. Elle fonctionne sans réseau.',
	'totp.on': 'Votre générateur de codes est configuré.',
	'totp.begin': 'Configurer un générateur de codes',
	'totp.scan': 'Scannez cette image avec l’application, ou saisissez le secret ci-dessous.',
	'totp.picture': 'Image du secret, à scanner',
	'totp.secret': 'Secret',
	'totp.code': 'Code affiché en ce moment par l’application',
	'totp.remove': 'Supprimer le générateur de codes',
	'recovery.title': 'Codes de secours',
	'recovery.intro':
		'Un code de secours remplace une fois votre clé d’accès ou votre générateur de codes. Gardez les codes sur papier, loin de vos appareils.',
	'recovery.left': 'Codes restants : {count}',
	'recovery.make': 'Créer de nouveaux codes de secours',
	'recovery.makeHint': 'Les anciens ne fonctionneront plus.',
	'recovery.shown': 'Voici vos codes de secours. Ils ne sont affichés que cette fois : veuillez les noter.',
	'recovery.none':
		'Veuillez d’abord configurer une clé d’accès ou un générateur de codes : les codes de secours les remplacent.',
	'recovery.done': 'Je les ai notés',
};
