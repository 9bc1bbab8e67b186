import type {NoticeTexts} from './en.ts';

export const fr: NoticeTexts = {
	roomName: 'Avis du serveur',
	senderName: 'Avis du serveur',
	unnamed: 'une session sans nom',
	when: 'Date : {time}',
	advice:
		'Si ce n’était pas vous : fermez cette session et changez votre mot de passe sur {link}, et prévenez votre administrateur.',
	subject: 'Votre compte chez {server}',
	'address-added': 'Une adresse électronique a été enregistrée pour votre compte.',
	'address-removed': 'L’adresse électronique de votre compte a été supprimée ou remplacée.',
	'browser-sign-in': 'Quelqu’un s’est connecté aux pages de votre compte dans un navigateur.',
	'cross-signing-reset':
		'Les clés par lesquelles vos sessions se portent garantes les unes des autres ont été remplacées. Les autres seront avertis que votre identité a changé.',
	'factor-code':
		'Quelqu’un qui connaît votre mot de passe veut modifier votre compte dans un navigateur. Si c’est vous, saisissez-y ce code : {code}. Ne le donnez à personne, qui que ce soit qui le demande.',
	'factor-wanted': 'Quelqu’un qui connaît votre mot de passe veut modifier votre compte dans un navigateur.',
	'identity-linked': 'Un autre service a été lié à votre compte et peut désormais vous connecter.',
	'identity-unlinked': 'Un service qui pouvait vous connecter n’est plus lié à votre compte.',
	'passkey-added': 'Une clé d’accès a été ajoutée à votre compte.',
	'passkey-removed': 'Une clé d’accès de votre compte a été supprimée.',
	'password-changed': 'Le mot de passe de votre compte a été changé.',
	'password-known':
		'Quelqu’un a donné le bon mot de passe de votre compte sans pouvoir présenter votre second facteur. L’accès lui a été refusé. Si c’était vous, avec un logiciel qui ne connaît pas de second facteur : connectez-vous-y par le navigateur.',
	'password-recovered': 'Le mot de passe de votre compte a été remplacé au moyen d’un lien envoyé par courriel.',
	'recovery-code-used': 'Un code de secours de votre compte a été utilisé.',
	'recovery-codes-renewed':
		'De nouveaux codes de secours ont été créés pour votre compte. Les précédents ne sont plus valables.',
	'recovery-refused':
		'Quelqu’un a ouvert un lien envoyé à votre adresse pour choisir un nouveau mot de passe, sans pouvoir montrer qu’il s’agissait de vous. Rien n’a été changé.',
	'session-copied':
		'Un jeton de l’une de vos sessions est arrivé deux fois, comme lorsque quelqu’un l’a copié. Cette session a été déconnectée.',
	'session-approved': 'Une session a été approuvée et voit maintenant ce que vous voyez : {device}.',
	'source-ends':
		'Un compte donné par l’un de vos liens pour sources prend fin dans les trois jours et sera effacé. Votre liste de liens pour sources dit lequel.',
	'sign-in': 'Une nouvelle session s’est connectée à votre compte : {device}.',
	approve: 'Approuver la session',
	'sign-in-waiting':
		'Une nouvelle session s’est connectée à votre compte et attend d’être approuvée : {device}. D’ici là, elle ne voit rien. Si c’est la vôtre, approuvez-la ici : {approval}',
	'totp-added': 'Une application d’authentification a été ajoutée à votre compte.',
	'totp-removed': 'L’application d’authentification de votre compte a été supprimée.',
	recoverSubject: 'Un nouveau mot de passe chez {server}',
	recoverText:
		'Quelqu’un a demandé un nouveau mot de passe pour un compte avec cette adresse chez {server}. Si c’était vous, ouvrez ce lien dans les {minutes} minutes, si possible dans le navigateur où vous l’avez demandé :\n\n{link}\n\nSinon, il n’y a rien à faire : ce lien seul ne suffit pas. Ne le donnez à personne.',
	confirmSubject: 'Votre adresse chez {server}',
	confirmText:
		'Quelqu’un veut utiliser cette adresse pour un compte chez {server}. Si c’était vous, ouvrez ce lien dans les {minutes} minutes et confirmez :\n\n{link}\n\nSinon, il n’y a rien à faire.',
};
