export const source = {
	'source.title': 'Una conversación privada',
	'source.intro':
		'Alguien le ha invitado a una conversación privada. Aquí se crea una cuenta con un nombre al azar, solo para esta conversación.',
	'source.nothingKept': 'No se le pregunta nada. Su dirección y su navegador no se anotan.',
	'source.madeTitle': 'Su cuenta',
	'source.made': 'Anote esto ahora: no se volverá a mostrar.',
	'source.next': 'Inicie sesión con un cliente de Matrix que cifre, como Element. Hay una sala, en la que le esperan.',
	'source.end': 'La cuenta y lo que escribió terminan el {day}, o cuando no la haya usado durante {days} días.',
	'source.gone': 'Ya se usó, o ha caducado. Pida uno nuevo a quien se lo dio.',
};
