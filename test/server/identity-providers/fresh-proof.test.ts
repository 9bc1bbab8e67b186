/** A service's word lets somebody in; it changes nothing of an account unless the service has just asked who it is. */
import test from 'ava';
import type {UserId} from '../../../crypto/index.ts';
import {Visitor} from '../../harness/index.ts';
import {ask, consentOnPage, exchange, registerClient} from '../api/oauth/client.ts';
import {ORIGIN} from '../api/pages/factor-pages.ts';
import {come, SIGN_IN, start} from './world.ts';

const MINUTE_MS = 60_000;
/** What changes the account: who sees these pages may send their forms. */
const CHANGING = ['/account/passkeys', '/account/passkeys/add', '/account/totp', '/account/password', '/account/data'];

/** Seconds of the server's clock that was moved so far. */
const secondsAt = (offsetMs: number): number =>
	Math.floor((performance.timeOrigin + performance.now() + offsetMs) / 1000);

for (const [what, claims] of Object.entries({
	'that it asked long ago': () => ({auth_time: secondsAt(-11 * MINUTE_MS)}),
	'nothing of when it asked': () => ({}),
})) {
	test(`who comes back from a provider that says ${what} is let in, and asked once more before they change anything`, async (t) => {
		const world = await start(t, {}, [], {public_url: ORIGIN});
		const {app, provider} = world;
		const visitor = new Visitor(app);
		provider.wish = {claims: claims()};
		t.is((await come(world, visitor)).to, '/account');
		t.false(provider.asked.has('prompt'), 'the provider may know them');
		t.is((await visitor.open('/account')).status, 200);
		for (const path of CHANGING) {
			const {status, to} = await visitor.open(path);
			t.is(`${status} ${to}`, `303 /account/sign-in?return_to=${encodeURIComponent(path)}`);
			t.regex((await visitor.open(to)).text, /The House/, 'no page sends them in circles');
		}
		await visitor.open('/account');
		t.regex((await visitor.submit('/account/totp', {action: 'begin'})).to, /^\/account\/sign-in\?/);
		t.is(await app.application.storage.factors.findTotpSecret('@ada:news.example' as UserId), undefined);
		provider.wish = {claims: {auth_time: secondsAt(0)}};
		t.is((await come(world, visitor, `${SIGN_IN}?return_to=%2Faccount%2Ftotp`)).to, '/account/totp');
		t.is(provider.asked.get('prompt'), 'login');
		for (const path of CHANGING) t.is((await visitor.open(path)).status, 200, path);
	});
}

test('who signs out and comes back by a provider that still knows them has shown nothing anew', async (t) => {
	const world = await start(t);
	const {app, provider} = world;
	const visitor = new Visitor(app);
	const isFresh = async () => (await visitor.open('/account/totp')).status === 200;
	provider.wish = {claims: {auth_time: secondsAt(0)}};
	await come(world, visitor);
	t.true(await isFresh(), 'the provider has just asked');
	app.advance(11 * MINUTE_MS);
	t.false(await isFresh());
	await visitor.open('/account');
	await visitor.submit('/account/sign-out');
	t.is((await come(world, visitor)).to, '/account');
	t.is((await visitor.open('/account')).status, 200);
	t.false(await isFresh());
});

test('what a provider says of when it asked counts from then, and never from the future', async (t) => {
	const world = await start(t);
	const {app, provider} = world;
	const visitors = new Map<number, Visitor>();
	for (const minutes of [-8, 60]) {
		const visitor = new Visitor(app);
		provider.wish = {claims: {auth_time: secondsAt(minutes * MINUTE_MS)}};
		await come(world, visitor);
		t.is((await visitor.open('/account/totp')).status, 200, `${minutes}`);
		visitors.set(minutes, visitor);
	}
	app.advance(3 * MINUTE_MS);
	t.is((await visitors.get(-8)?.open('/account/totp'))?.status, 303);
	t.is((await visitors.get(60)?.open('/account/totp'))?.status, 200);
	app.advance(8 * MINUTE_MS);
	t.is((await visitors.get(60)?.open('/account/totp'))?.status, 303);
});

test('a client is let in right after its person came by a provider, and nobody is asked twice', async (t) => {
	const world = await start(t);
	const {app} = world;
	const visitor = new Visitor(app);
	const asked = ask(await registerClient(app));
	const {to} = await visitor.open(`/oauth2/authorize?${asked.search.toString()}`);
	t.regex(to, /^\/account\/sign-in\?return_to=/);
	const back = await come(world, visitor, to.replace('/account/sign-in?', `${SIGN_IN}?`));
	t.regex(back.to, /^\/oauth2\/authorize\?/);
	t.is((await exchange(app, asked, await consentOnPage(visitor, asked))).status, 200);
});

test('who must set up a second factor does so right after the provider has let them in', async (t) => {
	const world = await start(t, {}, [], {second_factor: 'everybody'});
	const visitor = new Visitor(world.app);
	await come(world, visitor);
	t.is((await visitor.open('/account')).status, 303);
	t.is((await visitor.open('/account/totp')).status, 200);
});

test('a browser vouches for what a client changes only where the provider has just asked who is before it', async (t) => {
	const world = await start(t);
	const {provider} = world;
	const {webSessions} = world.app.application.services;
	const hasRecent = () => webSessions.hasRecent('@ada:news.example' as UserId);
	const visitor = new Visitor(world.app);
	await come(world, visitor);
	t.false(await hasRecent());
	provider.wish = {claims: {auth_time: secondsAt(0)}};
	await come(world, visitor);
	t.true(await hasRecent());
});
