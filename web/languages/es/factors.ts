export const factors = {
	'factor.code': 'Código de su aplicación, o un código de recuperación',
	'factor.wrong': 'El código no es correcto, ya se usó o ha caducado.',
};
