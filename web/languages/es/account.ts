export const account = {
	'account.title': 'Su cuenta',
	'account.signedIn': 'Ha iniciado sesión como {userId}.',
	'register.title': 'Crear una cuenta',
	'register.intro': 'Su cuenta estará en {serverName}. El nombre no se podrá cambiar después.',
	'register.submit': 'Crear la cuenta',
	'register.closed': 'Aquí nadie puede crear una cuenta. Pregunte a la administración de este servidor.',
	'register.taken': 'Este nombre ya está ocupado. Elija otro.',
	'register.badName':
		'El nombre puede tener letras minúsculas de la a a la z, cifras y . _ - = / + y no debe empezar por _.',
	'register.weak': 'La contraseña necesita al menos 8 caracteres.',
	'register.tooLong': 'La contraseña es demasiado larga.',
	'register.differ': 'Las dos contraseñas no son iguales.',
	'register.wrongToken': 'El código de registro no es válido o ya se ha gastado.',
	'setUp.title': 'Configurar este servidor',
	'setUp.intro': 'Aquí se crea la primera cuenta de {serverName}. Es una cuenta de administración.',
	'setUp.doneTitle': 'La cuenta está creada',
	'setUp.done': 'Ya puede iniciar sesión con cualquier cliente de Matrix.',
	'setUp.linkOver': 'El enlace a esta página ya no funciona.',
	'setUp.goneTitle': 'Este enlace no funciona',
	'setUp.gone':
		'Ya se ha usado, o el servidor tiene ya una cuenta. Si no hay ninguna, el servidor muestra un enlace nuevo al arrancar.',
};
