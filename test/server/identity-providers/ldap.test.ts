/** Signing in with a password that a directory knows: Debian's slapd, over TLS and without. */
import test, {type ExecutionContext} from 'ava';
import type {UserId} from '../../../crypto/index.ts';
import {
	type App,
	call,
	createAuthority,
	passwordOf,
	request,
	type Session,
	signInOnPage,
	startApp,
} from '../../harness/index.ts';
import {type Directory, slapdMissing, startSlapd} from './slapd.ts';

const V3 = '/_matrix/client/v3';
if (slapdMissing !== undefined) console.log(`skipped: ${slapdMissing}`);
const withSlapd = slapdMissing === undefined ? test : test.skip;

const people = {ada: 'difference engine', 'a+b=c': 'plus and equals', grace: 'nanoseconds'};

/** Ways to ask one directory. */
const waysTo = ({url, tlsUrl, authority, bindDn, bindPassword, base}: Directory) => ({
	search: {url, search: {bind_dn: bindDn, bind_password: bindPassword, base}},
	'user_dn over ldaps': {url: tlsUrl, trusted_certificates: [authority], user_dn: `uid={username},ou=people,${base}`},
	'search with start_tls': {
		url,
		start_tls: true,
		trusted_certificates: [authority],
		search: {
			bind_dn: bindDn,
			bind_password: bindPassword,
			base,
			filter: '(&(objectClass=inetOrgPerson)(uid={username}))',
		},
	},
});

const startWith = (t: ExecutionContext, provider: object): Promise<App> =>
	startApp(t, {
		config: {
			identity_providers: [{id: 'house', kind: 'ldap', name: 'The House', ...provider}],
			registration: 'closed',
		},
	});

const tryPassword = (app: App, user: string, password: string) =>
	request<Session>(app, 'POST', `${V3}/login`, {
		body: {type: 'm.login.password', identifier: {type: 'm.id.user', user}, password},
	});

for (const way of ['search', 'user_dn over ldaps', 'search with start_tls'] as const) {
	withSlapd(`a directory signs people in, and gives them an account the first time: ${way}`, async (t) => {
		const directory = await startSlapd(t, people);
		const app = await startWith(t, waysTo(directory)[way]);
		for (const [name, password] of Object.entries(people)) {
			for (const attempt of ['first', 'second']) {
				const {status, body, text} = await tryPassword(app, name, password);
				t.is(status, 200, `${name}, ${attempt}: ${text}`);
				t.is(body.user_id, `@${name}:news.example`);
			}
			t.is((await tryPassword(app, name, `${password}x`)).status, 403);
		}
		const account = await app.application.storage.accounts.find('@ada:news.example' as UserId);
		t.is(account?.passwordHash, null, 'the password is nowhere here');
		const browser = await signInOnPage(app, 'ada', people.ada);
		t.regex((await browser.open('/account')).text, /@ada:news\.example/);
		t.false(app.readLog().includes(people.ada));
	});
}

withSlapd('nothing that is typed becomes part of a filter or a name, and an empty password is none', async (t) => {
	const directory = await startSlapd(t, people);
	const {search, 'user_dn over ldaps': byName} = waysTo(directory);
	for (const way of [search, byName]) {
		const app = await startWith(t, way);
		for (const name of ['*', 'ad*', 'ada)(uid=*', 'a*', 'ada,ou=people', '\\61da', 'ada\u0000', 'x)(|(uid=ada']) {
			const {status, body} = await tryPassword(app, name, people.ada);
			t.is(status, 403, name);
			t.false('user_id' in body);
		}
		t.is((await tryPassword(app, 'ada', '')).status, 403);
		t.is(await app.application.storage.accounts.count(), 0);
	}
});

withSlapd(
	'an account that is not the directory’s is not signed in by it, and its password does not go there',
	async (t) => {
		const directory = await startSlapd(t, {...people, alice: 'of the house'});
		const app = await startWith(t, waysTo(directory).search);
		const userId = '@alice:news.example' as UserId;
		await app.application.services.accounts.register({userId, password: passwordOf('alice')});
		t.is((await tryPassword(app, 'alice', 'of the house')).status, 403);
		t.is((await tryPassword(app, 'alice', passwordOf('alice'))).status, 200);
		const noAccounts = await startWith(t, {...waysTo(directory).search, creates_accounts: false});
		t.is((await tryPassword(noAccounts, 'ada', people.ada)).status, 403);
		t.deepEqual(await noAccounts.application.services.accounts.find('@ada:news.example' as UserId), undefined);
	},
);

withSlapd('a directory whose certificate is not trusted, or that is not there, signs nobody in', async (t) => {
	const directory = await startSlapd(t, people);
	const {'user_dn over ldaps': way} = waysTo(directory);
	const untrusting = await startWith(t, {...way, trusted_certificates: []});
	t.is((await tryPassword(untrusting, 'ada', people.ada)).status, 403);
	const other = createAuthority(`${untrusting.directory}/other`).certificate;
	const deceived = await startWith(t, {...way, trusted_certificates: [other]});
	t.is((await tryPassword(deceived, 'ada', people.ada)).status, 403);
	const alone = await startWith(t, {...way, url: 'ldap://127.0.0.1:9', trusted_certificates: []});
	t.is((await tryPassword(alone, 'ada', people.ada)).status, 403);
	t.regex(alone.readLog(), /directory could not be asked/);
	t.false(alone.readLog().includes(people.ada));
});

withSlapd('a stage that asks for the password of an account asks the directory', async (t) => {
	const directory = await startSlapd(t, people);
	const app = await startWith(t, waysTo(directory).search);
	const {access_token: token, device_id: id} = (await tryPassword(app, 'ada', people.ada)).body;
	const path = `${V3}/devices/${id}`;
	const auth = (password: string) => ({type: 'm.login.password', user: 'ada', password});
	t.is((await request(app, 'DELETE', path, {token, body: {auth: auth('wrong')}})).status, 401);
	await call(app, 'DELETE', path, {token, body: {auth: auth(people.ada)}});
});

test('a password goes to a directory over a safe connection alone, and a search needs its place for the name', async (t) => {
	for (const [wrong, expected] of [
		[{url: 'ldap://house.example', user_dn: 'uid={username}'}, /safe connection/],
		[{url: 'ldaps://house.example', start_tls: true, user_dn: 'uid={username}'}, /start_tls/],
		[{url: 'ldaps://house.example', user_dn: 'uid=ada'}, /\{username\}/],
		[{url: 'ldaps://house.example'}, /either user_dn or search/],
	] as const) {
		await t.throwsAsync(startWith(t, wrong), {message: expected});
	}
});
