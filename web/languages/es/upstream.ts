export const upstream = {
	'upstream.with': 'Continuar con {name}',
	'upstream.title': 'Otros servicios',
	'upstream.intro': 'Estos servicios pueden iniciar su sesión en esta cuenta.',
	'upstream.link': 'Permitir que {name} inicie mi sesión',
	'upstream.unlink': 'No permitir más que {name} inicie mi sesión',
	'upstream.unavailable': 'No se puede llegar al otro servicio en este momento. Inténtelo de nuevo en un momento.',
	'upstream.refused': 'El otro servicio no ha dicho quién es usted. Inténtelo de nuevo.',
	'upstream.notAskedAnew':
		'El otro servicio no dice que acabe de comprobar quién es usted. Demuéstrelo aquí de otra manera, o diríjase a la administración de este servidor.',
	'upstream.over': 'Ha tardado demasiado, o empezó en otro navegador. Inténtelo de nuevo.',
	'upstream.noAccount': 'Usted no tiene cuenta aquí. Diríjase a la administración de este servidor.',
	'upstream.linkedElsewhere': 'El otro servicio inicia aquí la sesión de otra cuenta.',
};
