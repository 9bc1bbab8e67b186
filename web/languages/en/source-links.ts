export const sourceLinks = {
	'sourceLinks.title': 'Links for sources',
	'sourceLinks.intro':
		'A link gives somebody a throw-away account for one encrypted room with you. It can be opened once.',
	'sourceLinks.made': 'Send this link by a way that you trust. It is not shown again:',
	'sourceLinks.name': 'What the link is about',
	'sourceLinks.nameHint': 'Only you see this.',
	'sourceLinks.members': 'Who else is in the room',
	'sourceLinks.membersHint': 'Names of people of this server, with commas between them',
	'sourceLinks.days': 'The account ends after how many days',
	'sourceLinks.create': 'Make a link',
	'sourceLinks.links': 'Links that can be opened',
	'sourceLinks.until': 'Can be opened until {day}. Opened: {done} of {allowed}',
	'sourceLinks.remove': 'Take back: {name}',
	'sourceLinks.sources': 'Accounts of sources',
	'sourceLinks.ends': 'Ends on {day} at the latest',
	'sourceLinks.end': 'End and erase {name}',
	'sourceLinks.notAllowed': 'You may not make links for sources on this server.',
	'sourceLinks.invalid': 'This link cannot be made: please look at what you entered.',
	'sourceLinks.notForSources':
		'This account is for one conversation, and ends by itself: it takes no address, no second factor and no other change of how it signs in.',
};
