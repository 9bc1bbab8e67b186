export const ownAccount = {
	'account.back': 'Retour à votre compte',
	'account.done': 'C’est fait.',
	'account.lastWayIn':
		'Rien d’autre ne vous connecte à ce compte. Veuillez d’abord définir un mot de passe, ou ajouter une clé d’accès ou un autre service.',
	'password.title': 'Changer de mot de passe',
	'password.endOthers': 'Se déconnecter partout ailleurs',
	'sessions.title': 'Sessions',
	'sessions.intro': 'Ces clients sont connectés à votre compte. Déconnectez ce que vous ne connaissez pas.',
	'sessions.chosen': 'Votre logiciel vous a conduit à cette session :',
	'sessions.none': 'Aucun client n’est connecté.',
	'sessions.unnamed': 'Sans nom',
	'sessions.seen': 'Utilisée pour la dernière fois le {day}.',
	'sessions.signOut': 'Déconnecter {name}',
	'sessions.signOutAll': 'Déconnecter tous les clients et les autres navigateurs',
	'data.title': 'Vos données',
	'data.intro':
		'Vous pouvez obtenir tout ce que ce serveur garde de vous en un seul fichier : profil, sessions, fichiers et ce que vous avez écrit.',
	'data.submit': 'Télécharger vos données',
	'deactivate.title': 'Fermer votre compte',
	'deactivate.intro':
		'Votre compte est fermé définitivement. Toutes les sessions sont déconnectées, vous quittez tous les salons, et personne ne reprendra votre nom.',
	'deactivate.erase': 'Supprimer aussi mes fichiers, et cacher ce que j’ai écrit à qui arrivera plus tard',
	'deactivate.confirm': 'Pour continuer, saisissez votre identifiant : {userId}',
	'deactivate.differs': 'Ce n’est pas votre identifiant.',
	'deactivate.submit': 'Fermer mon compte définitivement',
	'deactivate.done': 'Votre compte est fermé.',
};
