export const ownAccount = {
	'account.back': 'Back to your account',
	'account.done': 'Done.',
	'account.lastWayIn':
		'Nothing else signs you in to this account. Please set a password, or add a passkey or another service, before you remove this.',
	'password.title': 'Change your password',
	'password.endOthers': 'Sign out everywhere else',
	'sessions.title': 'Sessions',
	'sessions.intro': 'These clients are signed in to your account. Sign out what you do not know.',
	'sessions.chosen': 'Your client led you to this session:',
	'sessions.none': 'No client is signed in.',
	'sessions.unnamed': 'Without a name',
	'sessions.seen': 'Last used on {day}.',
	'sessions.signOut': 'Sign out {name}',
	'sessions.signOutAll': 'Sign out all clients and other browsers',
	'data.title': 'Your data',
	'data.intro':
		'You can have all that this server keeps of you, as one file: your profile, sessions, files, and what you wrote.',
	'data.submit': 'Download your data',
	'deactivate.title': 'End your account',
	'deactivate.intro':
		'Your account ends for good. All sessions are signed out, you leave all rooms, and nobody gets your name again.',
	'deactivate.erase': 'Also delete my files, and hide what I wrote from whoever joins later',
	'deactivate.confirm': 'To go on, type your user ID: {userId}',
	'deactivate.differs': 'This is not your user ID.',
	'deactivate.submit': 'End my account for good',
	'deactivate.done': 'Your account has ended.',
};
