export const upstream = {
	'upstream.with': 'المتابعة باستخدام {name}',
	'upstream.title': 'خدمات أخرى',
	'upstream.intro': 'يمكن لهذه الخدمات تسجيل دخولك إلى هذا الحساب.',
	'upstream.link': 'السماح لـ {name} بتسجيل دخولي',
	'upstream.unlink': 'عدم السماح لـ {name} بتسجيل دخولي بعد الآن',
	'upstream.unavailable': 'لا يمكن الوصول إلى الخدمة الأخرى الآن. يُرجى المحاولة بعد قليل.',
	'upstream.refused': 'لم تقل الخدمة الأخرى من أنت. يُرجى المحاولة مرة أخرى.',
	'upstream.over': 'استغرق ذلك وقتًا طويلًا، أو بدأ في متصفح آخر. يُرجى المحاولة مرة أخرى.',
	'upstream.noAccount': 'ليس لديك حساب هنا. يُرجى سؤال مدير هذا الخادم.',
	'upstream.linkedElsewhere': 'تسجّل الخدمة الأخرى دخولك هنا إلى حساب آخر.',
};
