/** The ways to take an account over, as a table: each is tried in this folder, and ends without access. */
import {readdirSync, readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';

/** What a title begins with, and what the attacker has. */
const rows: Readonly<Record<string, string>> = {
	'password known': 'the password',
	'password known, with the device ids of its owner': 'the password, and the names of what its owner is signed in on',
	'password and intercepted e-mail': 'the password, and the mailbox',
	'a stolen refresh token': 'a token that renews a session',
	'stolen recovery link': 'a link that was mailed',
	'a replayed TOTP': 'a code that was just used',
	'a forged WebAuthn origin': 'a page that looks like ours, and the person before it',
	'swapped proofs': 'a proof of something else, or of somebody else',
	'session fixation': 'a cookie that they planted',
	CSRF: 'a page that their victim opens',
	clickjacking: 'a page around ours',
	'open redirects': 'a link to this server',
	'login-token reuse': 'a token that signed in once',
	'a revoked token': 'a token of a session that was ended',
};

const folder = dirname(fileURLToPath(import.meta.url));
const tests = readdirSync(folder)
	.filter((name) => name.endsWith('.test.js') && name !== 'table.test.js')
	.flatMap((name) => readTests(readFileSync(join(folder, name), 'utf8')));

/** Gives the tests of a file as it was built: what they are called, and what they do. */
function readTests(text: string): {title: string; body: string}[] {
	const each = /^( *)test\((['"`])([^\n]*?)\2, async([\s\S]*?)^\1\}\);$/gmu;
	return [...text.matchAll(each)].map(([, , , title = '', body = '']) => ({title, body}));
}

/** Whether a test asks the server for something, and holds what it is answered against something. */
const checksSomething = (body: string): boolean =>
	/\bawait\b/u.test(body) && (/\bt\.(?!pass\b|log\b|teardown\b)\w+\(/u.test(body) || /\bcheck\w*\(t, /u.test(body));

for (const [row, has] of Object.entries(rows)) {
	test(`${row}: somebody with ${has} is tried to be kept out`, (t) => {
		const tried = tests.filter(({title}) => title.startsWith(row));
		t.true(tried.length > 0);
		t.deepEqual(
			tried.filter(({body}) => !checksSomething(body)).map(({title}) => title),
			[],
		);
	});
}

test('a test that checks nothing is not taken for one', (t) => {
	const built = (body: string) => `test('CSRF: x', async (t) => {\n${body}\n});`;
	const judge = (body: string) => readTests(built(body)).map((found) => checksSomething(found.body));
	t.deepEqual(judge('    t.is(await ask(), 403);'), [true]);
	t.deepEqual(judge('    await checkKeptOut(t, owned);'), [true]);
	for (const body of ['', '    t.pass();', '    await open(t, {});\n    t.pass();', '    t.true(true);']) {
		t.deepEqual(judge(body), [false], body);
	}
});
