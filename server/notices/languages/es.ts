import type {NoticeTexts} from './en.ts';

export const es: NoticeTexts = {
	roomName: 'Avisos del servidor',
	senderName: 'Avisos del servidor',
	unnamed: 'una sesión sin nombre',
	when: 'Fecha: {time}',
	advice:
		'Si no fue usted: cierre esa sesión y cambie su contraseña en {link}, y avise a la persona que administra el servidor.',
	subject: 'Su cuenta en {server}',
	'address-added': 'Se ha guardado una dirección de correo para su cuenta.',
	'address-removed': 'La dirección de correo de su cuenta se ha quitado o cambiado.',
	'browser-sign-in': 'Alguien ha entrado en las páginas de su cuenta con un navegador.',
	'cross-signing-reset':
		'Se han sustituido las claves con las que sus sesiones responden unas de otras. Se avisará a los demás de que su identidad ha cambiado.',
	'factor-code':
		'Alguien que conoce su contraseña quiere cambiar su cuenta en un navegador. Si es usted, escriba allí este código: {code}. No se lo dé a nadie, lo pida quien lo pida.',
	'factor-wanted': 'Alguien que conoce su contraseña quiere cambiar su cuenta en un navegador.',
	'identity-linked': 'Se ha vinculado otro servicio a su cuenta, y a partir de ahora puede iniciar su sesión.',
	'identity-unlinked': 'Se ha desvinculado de su cuenta un servicio que podía iniciar su sesión.',
	'passkey-added': 'Se ha añadido una llave de acceso a su cuenta.',
	'passkey-removed': 'Se ha quitado una llave de acceso de su cuenta.',
	'password-changed': 'Se ha cambiado la contraseña de su cuenta.',
	'password-known':
		'Alguien dio la contraseña correcta de su cuenta y no pudo mostrar su segundo factor. No ha entrado. Si fue usted, con un programa que no conoce segundos factores: entre en él por el navegador.',
	'password-recovered': 'La contraseña de su cuenta se ha sustituido mediante un enlace enviado por correo.',
	'recovery-code-used': 'Se ha usado un código de recuperación de su cuenta.',
	'recovery-codes-renewed': 'Se han creado nuevos códigos de recuperación para su cuenta. Los anteriores ya no valen.',
	'recovery-refused':
		'Alguien abrió un enlace enviado a su dirección para elegir una contraseña nueva y no pudo demostrar que era usted. No se ha cambiado nada.',
	'session-copied':
		'Una clave de acceso de una de sus sesiones llegó dos veces, como cuando alguien la ha copiado. Esa sesión se ha cerrado.',
	'session-approved': 'Se ha aprobado una sesión, que ahora ve lo que usted ve: {device}.',
	'source-ends':
		'Una cuenta que dio uno de sus enlaces para fuentes termina en un plazo de tres días y se borrará. Su lista de enlaces para fuentes dice cuál.',
	'sign-in': 'Una nueva sesión ha entrado en su cuenta: {device}.',
	approve: 'Aprobar la sesión',
	'sign-in-waiting':
		'Una nueva sesión ha entrado en su cuenta y espera aprobación: {device}. Hasta entonces no ve nada. Si es suya, apruébela aquí: {approval}',
	'totp-added': 'Se ha añadido una aplicación de autenticación a su cuenta.',
	'totp-removed': 'Se ha quitado la aplicación de autenticación de su cuenta.',
	recoverSubject: 'Una contraseña nueva en {server}',
	recoverText:
		'Alguien ha pedido una contraseña nueva para una cuenta con esta dirección en {server}. Si fue usted, abra este enlace antes de {minutes} minutos, si puede en el navegador en el que la pidió:\n\n{link}\n\nSi no, no hay nada que hacer: este enlace solo no basta. No se lo dé a nadie.',
	confirmSubject: 'Su dirección en {server}',
	confirmText:
		'Alguien quiere usar esta dirección para una cuenta en {server}. Si fue usted, abra este enlace antes de {minutes} minutos y confírmelo:\n\n{link}\n\nSi no, no hay nada que hacer.',
};
