export const factors = {
	'factor.code': 'Code of your code generator, or a recovery code',
	'factor.wrong': 'The code is wrong, was used, or has ended.',
};
