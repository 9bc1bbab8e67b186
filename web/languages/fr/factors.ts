export const factors = {
	'factor.code': 'Code de votre application, ou un code de secours',
	'factor.wrong': 'Ce code est faux, déjà utilisé ou expiré.',
};
