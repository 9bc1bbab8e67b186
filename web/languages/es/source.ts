export const source = {
	'source.title': 'Una conversación privada',
	'source.intro':
		'Alguien le ha invitado a una conversación privada. Aquí se crea una cuenta con un nombre al azar, solo para esta conversación.',
	'source.nothingKept': 'No se le pregunta nada. Su dirección y su navegador no se anotan.',
	'source.madeTitle': 'Su cuenta',
	'source.writeDown': 'Anote esto ahora: no se volverá a mostrar.',
	'source.made': 'Ha iniciado sesión aquí, hasta que cierre este navegador. No hay nada que anotar.',
	'source.next':
		'Tome ahora un cliente de Matrix que cifre, como Element, en este navegador o en este dispositivo, e indique el servidor de arriba. Le enviará de vuelta aquí, donde le permite iniciar sesión. Hay una sala, en la que le esperan.',
	'source.otherTitle': '¿Otro dispositivo, o un cliente que quiere una contraseña?',
	'source.other':
		'Haga que se cree una. En el otro dispositivo indique el nombre y el servidor de arriba. Una contraseña anterior deja de valer.',
	'source.makePassword': 'Crear una contraseña',
	'source.end': 'La cuenta y lo que escribió terminan el {day}, o cuando no la haya usado durante {days} días.',
	'source.gone': 'Ya se usó, o ha caducado. Pida uno nuevo a quien se lo dio.',
};
