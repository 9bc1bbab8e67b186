export const factors = {
	'factor.code': 'Code aus deiner Code-App oder ein Wiederherstellungscode',
	'factor.wrong': 'Der Code ist falsch, schon benutzt oder abgelaufen.',
};
