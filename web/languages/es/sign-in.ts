export const signIn = {
	'signIn.title': 'Iniciar sesión',
	'signIn.intro': 'Inicie sesión en su cuenta de {serverName}.',
	'signIn.again': 'Antes de seguir, confirme una vez más que es usted.',
	'signIn.submit': 'Iniciar sesión',
	'signIn.wrong': 'El nombre o la contraseña no son correctos.',
	'signIn.locked': 'Esta cuenta está bloqueada. Pregunte a la administración.',
	'signIn.deactivated': 'Esta cuenta fue desactivada.',
	'toClient.title': 'Abrir un cliente',
	'toClient.ask': '{host} quiere iniciar sesión como {userId}.',
	'toClient.warning':
		'Podrá hacer todo lo que usted puede hacer. Siga solo si usted mismo acaba de empezar a iniciar sesión allí.',
	'toClient.submit': 'Seguir e iniciar sesión allí',
	'toClient.badAddress': 'El cliente ha dado una dirección a la que no se puede enviar a nadie.',
	'fallback.title': 'Autenticación',
	'fallback.dummy': 'Solo hace falta su consentimiento para seguir.',
	'fallback.signIn': 'El cliente que ha abierto esta página quiere iniciar sesión como {userId}.',
	'fallback.warning':
		'Siga solo si acaba de pedir esto en su cliente. Cualquier otra persona que le haya enviado aquí quiere usar su cuenta.',
	'fallback.done': 'Listo. Puede cerrar esta ventana y volver a su cliente.',
	'fallback.gone': 'Esta página ya no sirve. Empiece de nuevo en su cliente.',
	'fallback.wrongToken': 'El código de registro no es válido.',
};
