export const sourceLinks = {
	'sourceLinks.title': 'پیوندهای منبع',
	'sourceLinks.intro':
		'هر پیوند به یک نفر حسابی یک‌بارمصرف برای یک اتاق رمزگذاری‌شده با شما می‌دهد. تنها یک بار باز می‌شود.',
	'sourceLinks.made': 'این پیوند را از راهی بفرستید که به آن اعتماد دارید. دوباره نشان داده نمی‌شود:',
	'sourceLinks.name': 'موضوع پیوند',
	'sourceLinks.nameHint': 'تنها شما این را می‌بینید.',
	'sourceLinks.members': 'چه کسان دیگری در اتاق هستند',
	'sourceLinks.membersHint': 'نام افراد این سرور، با ویرگول میان آن‌ها',
	'sourceLinks.days': 'حساب پس از چند روز پایان می‌یابد',
	'sourceLinks.create': 'ساختن پیوند',
	'sourceLinks.links': 'پیوندهایی که می‌توان باز کرد',
	'sourceLinks.until': 'تا {day} باز می‌شود. باز شده: {done} از {allowed}',
	'sourceLinks.remove': 'پس گرفتن: {name}',
	'sourceLinks.sources': 'حساب‌های منبع',
	'sourceLinks.ends': 'حداکثر در {day} پایان می‌یابد',
	'sourceLinks.end': 'پایان دادن و پاک کردن {name}',
	'sourceLinks.notAllowed': 'شما نمی‌توانید در این سرور پیوند منبع بسازید.',
	'sourceLinks.invalid': 'این پیوند ساخته نمی‌شود: لطفاً آنچه نوشته‌اید را بررسی کنید.',
	'sourceLinks.notForSources':
		'این حساب برای یک گفتگوست و خودبه‌خود پایان می‌یابد: نه نشانی می‌پذیرد، نه عامل دوم و نه تغییر دیگری در شیوهٔ ورود.',
};
