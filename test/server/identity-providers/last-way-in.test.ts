/** Nobody removes what alone signs them in. */
import test from 'ava';
import type {UserId} from '../../../crypto/index.ts';
import {Authenticator} from '../../harness/authenticator.ts';
import {Visitor} from '../../harness/index.ts';
import {optionsOf, ORIGIN} from '../api/pages/factor-pages.ts';
import {come, start} from './world.ts';

const ADA = '@ada:news.example' as UserId;
const LINKS = '/account/upstream';
const PASSKEYS = '/account/passkeys';
const LAST = /role="alert">Nothing else signs you in to this account/;

test('the last provider stays linked, and the last passkey set up, until something else signs their person in', async (t) => {
	const world = await start(t, {}, [], {public_url: ORIGIN});
	const {storage, services} = world.app.application;
	const visitor = new Visitor(world.app);
	world.provider.wish = {claims: {auth_time: Math.floor((performance.timeOrigin + performance.now()) / 1000)}};
	await come(world, visitor);
	const unlink = async () => {
		await visitor.open(LINKS);
		return visitor.submit(`${LINKS}/idp/unlink`);
	};
	const refused = await unlink();
	t.is(refused.status, 400);
	t.regex(refused.text, LAST);
	t.regex(refused.text, /action="\/account\/upstream\/idp\/unlink"/, 'the page shows what is linked');
	t.is((await storage.identities.listOfUser(ADA)).length, 1);
	t.is((await visitor.open('/account')).status, 200, 'and nobody is signed out');

	const authenticator = new Authenticator(ORIGIN);
	const options = optionsOf(await visitor.open(`${PASSKEYS}/add`));
	await visitor.submit(`${PASSKEYS}/add`, {passkey: authenticator.create(options), name: 'Phone'});
	t.is((await unlink()).to, LINKS);
	t.deepEqual(await storage.identities.listOfUser(ADA), []);

	const remove = async () => {
		await visitor.open(PASSKEYS);
		return visitor.submit(PASSKEYS, {action: 'remove', credential: authenticator.credentialId});
	};
	const kept = await remove();
	t.is(kept.status, 400);
	t.regex(kept.text, LAST);
	t.is((await storage.factors.count(ADA)).passkeys, 1);
	t.true((await storage.factors.count(ADA)).recoveryCodes > 0, 'nor do the recovery codes go');
	await services.accounts.changePassword(ADA, 'correct horse battery', {
		endsOtherSessions: false,
		keepsWebSession: (await storage.webSessions.listOfUser(ADA))[0]?.tokenHash ?? '',
	});
	t.is((await remove()).to, PASSKEYS);
	t.is((await storage.factors.count(ADA)).passkeys, 0);
});

test('of two links that are removed together one stays', async (t) => {
	const {app} = await start(t, {}, [
		{id: 'other', kind: 'oidc', name: 'Another', issuer: 'http://127.0.0.1:9', client_id: 'broadsheet'},
	]);
	const {storage, services} = app.application;
	await services.accounts.register({
		userId: ADA,
		alsoWrite: (batch) => {
			for (const providerId of ['idp', 'other']) storage.identities.add(batch, {providerId, subject: 'a', userId: ADA});
		},
	});
	const outcomes = await Promise.allSettled(
		['idp', 'other'].map((providerId) => services.identityProviders.unlink(ADA, providerId, '')),
	);
	const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as Error] : []));
	t.is(refused.length, 1);
	t.like(refused[0], {code: 'last-way-in'});
	t.is((await storage.identities.listOfUser(ADA)).length, 1);
});
