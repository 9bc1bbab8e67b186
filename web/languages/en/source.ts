export const source = {
	'source.title': 'A private conversation',
	'source.intro':
		'Somebody has invited you to a private conversation. This makes an account with a random name, for this conversation alone.',
	'source.nothingKept': 'Nothing is asked of you. Your address and your browser are not written down.',
	'source.madeTitle': 'Your account',
	'source.made': 'Please write this down now: it is not shown again.',
	'source.next':
		'Sign in with a Matrix client that encrypts, such as Element. There is one room, in which you are expected.',
	'source.end': 'The account and what you wrote end on {day}, or when you have not used it for {days} days.',
	'source.gone': 'It was used already, or has ended. Please ask whoever gave it to you for a new one.',
};
