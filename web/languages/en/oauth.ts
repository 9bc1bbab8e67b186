export const oauth = {
	'consent.title': 'Sign in with a program',
	'consent.ask': '{client} wants to sign in as {userId}.',
	'consent.host': 'The program comes from {host}.',
	'consent.device': 'Among your sessions it will be listed as {device}.',
	'consent.replaces': 'You have a session of this name already. It will be signed out.',
	'consent.stays':
		'You have a session of this name already, and it stays signed in. New sessions wait here for approval, so none takes the place of another: let the program sign in as a new one.',
	'consent.warning':
		'It will be able to read and do everything that you can. Go on only if you have just started to sign in there yourself.',
	'consent.allow': 'Sign in',
	'consent.deny': 'Do not sign in',
	'consent.terms': 'Terms of use',
	'consent.policy': 'Privacy policy',
	'consent.failed': 'The program that sent you here asked for something that cannot be done. Nobody was signed in.',
	'consent.back': 'Go back to {host}',
	'link.title': 'Sign another device in',
	'link.intro': 'Type in the code that the device shows.',
	'link.code': 'Code',
	'link.wrong': 'No device waits with this code. Please begin again on the device.',
	'link.compare': 'The device must show this code: {code}',
	'link.warning':
		'Go on only if you hold the device in your hands. If somebody sent you this link or this code, they are trying to get into your account.',
	'link.done': 'The device will be signed in within a few seconds.',
	'link.denied': 'The device was not signed in.',
	'reset.title': 'Replace your keys',
	'reset.intro': 'Your session {device} wants to replace the keys by which others know that it is you.',
	'reset.warning':
		'Others will be told that your keys have changed. Go on only if you have just asked for this yourself, because you can no longer use your old keys.',
	'reset.allow': 'Allow it',
	'reset.done': 'Allowed. Please go back to your client now.',
	'reset.gone': 'No session of yours waits for this. Please begin again in your client.',
};
