export const sourceLinks = {
	'sourceLinks.title': 'Enlaces para fuentes',
	'sourceLinks.intro':
		'Un enlace da a alguien una cuenta desechable para una sala cifrada con usted. Se puede abrir una sola vez.',
	'sourceLinks.made': 'Envíe este enlace por una vía de confianza. No se volverá a mostrar:',
	'sourceLinks.name': 'De qué trata',
	'sourceLinks.nameHint': 'Solo usted lo ve.',
	'sourceLinks.members': 'Quién más está en la sala',
	'sourceLinks.membersHint': 'Nombres de personas de este servidor, separados por comas',
	'sourceLinks.days': 'Días tras los que termina la cuenta',
	'sourceLinks.create': 'Crear un enlace',
	'sourceLinks.links': 'Enlaces que se pueden abrir',
	'sourceLinks.until': 'Se puede abrir hasta el {day}. Abierto: {done} de {allowed}',
	'sourceLinks.remove': 'Retirar: {name}',
	'sourceLinks.sources': 'Cuentas de fuentes',
	'sourceLinks.ends': 'Termina el {day} a más tardar',
	'sourceLinks.end': 'Terminar y borrar {name}',
	'sourceLinks.notAllowed': 'Usted no puede crear enlaces para fuentes en este servidor.',
	'sourceLinks.invalid': 'No se puede crear este enlace: revise lo que ha escrito.',
	'sourceLinks.notForSources':
		'Esta cuenta es para una sola conversación y termina por sí misma: no admite dirección, segundo factor ni otro cambio en la forma de entrar.',
};
