export const source = {
	'source.title': 'A private conversation',
	'source.intro':
		'Somebody has invited you to a private conversation. This makes an account with a random name, for this conversation alone.',
	'source.nothingKept': 'Nothing is asked of you. Your address and your browser are not written down.',
	'source.madeTitle': 'Your account',
	'source.writeDown': 'Please write this down now: it is not shown again.',
	'source.made': 'You are signed in here, until you close this browser. There is nothing to write down.',
	'source.next':
		'Now take a Matrix client that encrypts, such as Element, in this browser or on this device, and give it the server above. It sends you back here, where you allow it to sign in. There is one room, in which you are expected.',
	'source.otherTitle': 'Another device, or a client that wants a password?',
	'source.other':
		'Have a password made for it. The client on another device is given name and server from above. A password from before is good no more.',
	'source.makePassword': 'Make a password',
	'source.end': 'The account and what you wrote end on {day}, or when you have not used it for {days} days.',
	'source.gone': 'It was used already, or has ended. Please ask whoever gave it to you for a new one.',
};
