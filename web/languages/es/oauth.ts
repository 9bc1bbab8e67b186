export const oauth = {
	'consent.title': 'Iniciar sesión con un programa',
	'consent.ask': '{client} quiere iniciar sesión como {userId}.',
	'consent.host': 'El programa viene de {host}.',
	'consent.device': 'Aparecerá entre sus sesiones como {device}.',
	'consent.replaces': 'Ya tiene una sesión con este nombre. Se cerrará.',
	'consent.stays':
		'Ya tiene una sesión con este nombre, y sigue abierta. Aquí las sesiones nuevas esperan aprobación, y ninguna ocupa el lugar de otra: haga que el programa inicie una nueva.',
	'consent.warning':
		'Podrá leer y hacer todo lo que usted puede. Continúe solo si acaba de empezar usted mismo a iniciar sesión allí.',
	'consent.allow': 'Iniciar sesión',
	'consent.deny': 'No iniciar sesión',
	'consent.terms': 'Condiciones de uso',
	'consent.policy': 'Política de privacidad',
	'consent.failed': 'El programa que le envió aquí pidió algo que no se puede hacer. No se ha iniciado ninguna sesión.',
	'consent.back': 'Volver a {host}',
	'link.title': 'Iniciar sesión en otro dispositivo',
	'link.intro': 'Escriba el código que muestra el dispositivo.',
	'link.code': 'Código',
	'link.wrong': 'Ningún dispositivo espera con este código. Empiece de nuevo en el dispositivo.',
	'link.compare': 'El dispositivo debe mostrar este código: {code}',
	'link.warning':
		'Continúe solo si tiene el dispositivo en sus manos. Si alguien le envió este enlace o este código, intenta entrar en su cuenta.',
	'link.done': 'La sesión se iniciará en el dispositivo en unos segundos.',
	'link.denied': 'No se ha iniciado sesión en el dispositivo.',
	'reset.title': 'Sustituir sus claves',
	'reset.intro': 'Su sesión {device} quiere sustituir las claves por las que los demás le reconocen.',
	'reset.warning':
		'Los demás sabrán que sus claves han cambiado. Continúe solo si acaba de pedirlo usted mismo, porque ya no puede usar sus claves anteriores.',
	'reset.allow': 'Permitir',
	'reset.done': 'Permitido. Vuelva ahora a su cliente.',
	'reset.gone': 'Ninguna de sus sesiones espera esto. Empiece de nuevo en su cliente.',
};
