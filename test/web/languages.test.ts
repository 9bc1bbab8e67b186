import test from 'ava';
import {chooseLanguage, languages} from '../../web/languages/index.ts';
import {say} from '../../web/text.ts';

const [english] = languages;
const placesIn = (text: string): string[] => (text.match(/\{\w+\}/g) ?? []).toSorted();

test('every language has every text, with the same places in it, and nothing else', (t) => {
	const texts = Object.entries(english?.texts ?? {});
	t.true(texts.length > 40);
	for (const language of languages) {
		t.deepEqual(Object.keys(language.texts).toSorted(), texts.map(([key]) => key).toSorted(), language.tag);
		for (const [key, text] of texts) {
			const translated = language.texts[key as keyof typeof language.texts];
			t.deepEqual(placesIn(translated), placesIn(text), `${language.tag} ${key}`);
			t.not(translated.trim(), '', `${language.tag} ${key}`);
		}
	}
});

test('the language that somebody chose wins over what their browser asks for', (t) => {
	t.is(chooseLanguage('fa', 'de').tag, 'fa');
	t.is(chooseLanguage(undefined, 'de').tag, 'de');
	t.is(chooseLanguage('xx', 'fr-CA,en;q=0.5').tag, 'fr');
});

test('of the languages that a browser asks for, the one it likes most counts, as far as it is here', (t) => {
	t.is(chooseLanguage(undefined, 'xx, es;q=0.3, ar;q=0.9, de;q=0').tag, 'ar');
	t.is(chooseLanguage(undefined, 'de;q=0').tag, 'en');
	t.is(chooseLanguage(undefined, '*').tag, 'en');
	t.is(chooseLanguage(undefined, undefined).tag, 'en');
	t.is(chooseLanguage(undefined, `${'xx,'.repeat(5000)}de`).tag, 'en');
});

test('what is filled into a text is escaped, and kept apart from text of the other direction', (t) => {
	const arabic = chooseLanguage('ar', undefined);
	const said = say(arabic, 'signIn.intro', {serverName: '<b>"news"</b>'}).text;
	t.true(said.includes('\u2068&lt;b&gt;&quot;news&quot;&lt;/b&gt;\u2069'));
	const persian = chooseLanguage('fa', undefined);
	t.true(say(persian, 'recover.asked', {minutes: 30}).text.includes('\u2068۳۰\u2069'), 'in digits of the language');
	t.throws(() => say(arabic, 'signIn.intro'), {message: /serverName/});
});
