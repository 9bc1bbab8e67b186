export const upstream = {
	'upstream.with': 'Continue with {name}',
	'upstream.title': 'Other services',
	'upstream.intro': 'These services can sign you in to this account.',
	'upstream.link': 'Let {name} sign me in',
	'upstream.unlink': 'No longer let {name} sign me in',
	'upstream.unavailable': 'The other service cannot be reached just now. Please try again in a moment.',
	'upstream.refused': 'The other service did not say who you are. Please try again.',
	'upstream.notAskedAnew':
		'The other service does not say that it has just asked who you are. Please show it here in another way, or ask the administrator of this server.',
	'upstream.over': 'This took too long, or began in another browser. Please try again.',
	'upstream.noAccount': 'You have no account here. Please ask the administrator of this server.',
	'upstream.linkedElsewhere': 'The other service signs you in to another account here.',
};
