import test from 'ava';
import {ownPath} from '../../../server/web-sessions/index.ts';

test('a path of our own is given as browsers read it', (t) => {
	t.is(ownPath('/account'), '/account');
	t.is(
		ownPath('/account/to-client?redirectUrl=https%3A%2F%2Fapp.example%2F'),
		'/account/to-client?redirectUrl=https%3A%2F%2Fapp.example%2F',
	);
	t.is(ownPath('/a/../account#here'), '/account');
});

for (const text of [
	undefined,
	'',
	'account',
	'https://evil.example/',
	'//evil.example/',
	'///evil.example/',
	'/\\evil.example/',
	'\\\\evil.example/',
	'/\t/evil.example/',
	'/\n/evil.example/',
	'/.//evil.example/',
	'/account/..//evil.example/',
	'/%2e//evil.example/',
	'javascript:alert(1)',
	' /account',
	`/${'x'.repeat(9000)}`,
]) {
	test(`'${JSON.stringify(text)?.slice(0, 40)}' is no path of ours`, (t) => {
		t.is(ownPath(text), undefined);
	});
}
