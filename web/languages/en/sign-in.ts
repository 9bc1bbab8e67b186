export const signIn = {
	'signIn.title': 'Sign in',
	'signIn.intro': 'Sign in to your account on {serverName}.',
	'signIn.again': 'Before you go on, please show once more that it is you.',
	'signIn.submit': 'Sign in',
	'signIn.wrong': 'The name or the password is wrong.',
	'signIn.locked': 'This account is locked. Please ask your administrator.',
	'signIn.deactivated': 'This account was deactivated.',
	'toClient.title': 'Open a client',
	'toClient.ask': '{host} wants to sign in as {userId}.',
	'toClient.warning':
		'It will be able to do everything that you can. Go on only if you have just started to sign in there yourself.',
	'toClient.submit': 'Go on and sign in there',
	'toClient.badAddress': 'The client gave an address that nobody can be sent to.',
	'fallback.title': 'Authentication',
	'fallback.dummy': 'Nothing is needed but your consent to go on.',
	'fallback.signIn': 'The client that opened this page wants to sign in as {userId}.',
	'fallback.warning':
		'Go on only if you have just asked for this in your client. Whoever else sent you here wants to use your account.',
	'fallback.done': 'Done. You may close this window and go back to your client.',
	'fallback.gone': 'This page is no longer of use: please begin again in your client.',
	'fallback.wrongToken': 'The registration token is not valid.',
};
