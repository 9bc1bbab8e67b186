export const ownAccount = {
	'account.back': 'Volver a su cuenta',
	'account.done': 'Hecho.',
	'account.lastWayIn':
		'Nada más le da acceso a esta cuenta. Antes de quitarlo, establezca una contraseña o añada una llave de acceso u otro servicio.',
	'password.title': 'Cambiar la contraseña',
	'password.endOthers': 'Cerrar sesión en todos los demás sitios',
	'sessions.title': 'Sesiones',
	'sessions.intro': 'Estos clientes tienen la sesión iniciada en su cuenta. Cierre la sesión de los que no conozca.',
	'sessions.chosen': 'Su programa le ha traído a esta sesión:',
	'sessions.none': 'Ningún cliente tiene la sesión iniciada.',
	'sessions.unnamed': 'Sin nombre',
	'sessions.seen': 'Usada por última vez el {day}.',
	'sessions.signOut': 'Cerrar sesión de {name}',
	'sessions.signOutAll': 'Cerrar sesión en todos los clientes y otros navegadores',
	'data.title': 'Sus datos',
	'data.intro':
		'Puede obtener en un solo archivo todo lo que este servidor guarda de usted: perfil, sesiones, archivos y lo que escribió.',
	'data.submit': 'Descargar sus datos',
	'deactivate.title': 'Cerrar su cuenta',
	'deactivate.intro':
		'Su cuenta se cierra para siempre. Se cierran todas las sesiones, usted sale de todas las salas y nadie volverá a tener su nombre.',
	'deactivate.erase': 'Eliminar también mis archivos y ocultar lo que escribí a quien entre después',
	'deactivate.confirm': 'Para continuar, escriba su ID de usuario: {userId}',
	'deactivate.differs': 'Ese no es su ID de usuario.',
	'deactivate.submit': 'Cerrar mi cuenta para siempre',
	'deactivate.done': 'Su cuenta está cerrada.',
};
