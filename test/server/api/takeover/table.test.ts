/** The ways to take an account over, as a table: each is tried in this folder, and ends without access. */
import {readdirSync, readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';

/** What a title begins with, and what the attacker has. */
const rows: Readonly<Record<string, string>> = {
	'password known': 'the password',
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

const titles = readdirSync(join(dirname(fileURLToPath(import.meta.url))))
	.filter((name) => name.endsWith('.test.js') && name !== 'table.test.js')
	.flatMap((name) => {
		const text = readFileSync(join(dirname(fileURLToPath(import.meta.url)), name), 'utf8');
		return [...text.matchAll(/\btest\((['"`])([^\n]*?)\1, async/gu)].map(([, , title = '']) => title);
	});

for (const [row, has] of Object.entries(rows)) {
	test(`${row}: somebody with ${has} is tried to be kept out`, (t) => {
		t.true(titles.some((title) => title.startsWith(row)));
	});
}
