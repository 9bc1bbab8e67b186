export const ownAccount = {
	'account.back': 'Zurück zu Ihrem Konto',
	'account.done': 'Erledigt.',
	'account.lastWayIn':
		'Nichts anderes meldet Sie bei diesem Konto an. Bitte richten Sie zuerst ein Passwort, einen Passkey oder einen anderen Dienst ein.',
	'password.title': 'Passwort ändern',
	'password.endOthers': 'Überall sonst abmelden',
	'sessions.title': 'Sitzungen',
	'sessions.intro': 'Diese Clients sind in Ihrem Konto angemeldet. Melden Sie ab, was Sie nicht kennen.',
	'sessions.chosen': 'Ihr Programm hat Sie zu dieser Sitzung geführt:',
	'sessions.none': 'Kein Client ist angemeldet.',
	'sessions.unnamed': 'Ohne Namen',
	'sessions.seen': 'Zuletzt benutzt am {day}.',
	'sessions.signOut': '{name} abmelden',
	'sessions.signOutAll': 'Alle Clients und andere Browser abmelden',
	'data.title': 'Ihre Daten',
	'data.intro':
		'Sie können alles, was dieser Server von Ihnen aufbewahrt, als eine Datei haben: Profil, Sitzungen, Dateien und was Sie geschrieben haben.',
	'data.submit': 'Daten herunterladen',
	'deactivate.title': 'Konto beenden',
	'deactivate.intro':
		'Ihr Konto endet für immer. Alle Sitzungen werden abgemeldet, Sie verlassen alle Räume, und niemand bekommt Ihren Namen wieder.',
	'deactivate.erase': 'Auch meine Dateien löschen und vor später Beitretenden verbergen, was ich geschrieben habe',
	'deactivate.confirm': 'Um fortzufahren, tippen Sie Ihre Benutzer-ID ein: {userId}',
	'deactivate.differs': 'Das ist nicht Ihre Benutzer-ID.',
	'deactivate.submit': 'Mein Konto für immer beenden',
	'deactivate.done': 'Ihr Konto ist beendet.',
};
