/** Where new sessions wait: a browser by a password alone is one of them, and no way around the others' approval. */
import test, {type ExecutionContext} from 'ava';
import type {UserId} from '../../../../crypto/index.ts';
import {
	type App,
	fieldsOfWaiting,
	login,
	passwordOf,
	register,
	request,
	type Session,
	signInOnPage,
	startApp,
	until,
	type Visitor,
} from '../../../harness/index.ts';

const V3 = '/_matrix/client/v3';
const SECOND_STEP = '/account/sign-in/second-step';
const CODE = /[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}/u;
const config = {quarantine: true, server_notices: {enabled: true}, source_links: {enabled: true, who: ['alice']}};

const sees = async (app: App, {access_token: token}: Session): Promise<boolean> =>
	(await request(app, 'GET', `${V3}/joined_rooms`, {token})).status === 200;

/** A person with a session, a thief's session that waits, and the thief's browser. */
async function startWithThief(
	t: ExecutionContext,
): Promise<{app: App; phone: Session; stolen: Session; thief: Visitor}> {
	const app = await startApp(t, {config});
	const phone = await register(app, 'alice');
	const stolen = await login(app, 'alice');
	return {app, phone, stolen, thief: await signInOnPage(app, 'alice', passwordOf('alice'))};
}

test('password known, where sessions wait: the browser changes nothing, reads nothing, and brings no session out of its wait', async (t) => {
	const {app, phone, stolen, thief} = await startWithThief(t);
	const paths = [
		'/account/totp',
		'/account/passkeys',
		'/account/passkeys/add',
		'/account/recovery-codes',
		'/account/password',
		'/account/data',
		'/account/deactivate',
		'/account/email',
		'/account/source-links',
	];
	for (const path of paths) {
		t.is((await thief.open(path)).to, `${SECOND_STEP}?return_to=${encodeURIComponent(path)}`);
	}
	const forms: readonly (readonly [string, Record<string, string>])[] = [
		['/account/totp', {action: 'begin'}],
		['/account/totp/confirm', {code: '000000'}],
		['/account/password', {password: 'of-a-thief-Zq7!', repeated: 'of-a-thief-Zq7!', end_others: 'yes'}],
		['/account/sessions', {action: 'all'}],
		['/account/data', {}],
		['/account/deactivate', {user_id: phone.user_id}],
		['/account/source-links', {action: 'create', name: 'mine'}],
	];
	for (const [path, fields] of forms) {
		await thief.open('/account');
		const {status, to} = await thief.submit(path, fields);
		t.deepEqual([status, to.startsWith(SECOND_STEP)], [303, true], path);
	}
	await thief.open('/account/waiting');
	const waiting = await fieldsOfWaiting(app, stolen);
	t.is((await thief.submit('/account/waiting', {act: 'approve', ...waiting})).status, 403);
	await thief.open(SECOND_STEP);
	t.is((await thief.submit(SECOND_STEP, {code: 'AAAA-BBBB-CCCC-DDDD'})).status, 403);
	t.false(await sees(app, stolen));
	t.true(await sees(app, phone));
	const {secondFactor} = app.application.services;
	t.false((await secondFactor.find({userId: phone.user_id as UserId, isAdmin: false})).hasAny);
});

test('where sessions wait, the owner goes on in a browser by a code from a session of theirs', async (t) => {
	const {app, phone, thief: owner} = await startWithThief(t);
	const {to} = await owner.open('/account/totp');
	t.regex((await owner.open(to)).text, /its password alone is not enough for this/u);
	await owner.submit(to, {act: 'ask'});
	let code = '';
	await until(async () => {
		const {text} = await request(app, 'GET', `${V3}/sync`, {token: phone.access_token});
		code = text.includes('Give it to nobody') ? (CODE.exec(text)?.[0] ?? '') : '';
		return code !== '';
	}, 'a code among the notices');
	await owner.open(to);
	t.is((await owner.submit(to, {code})).to, '/account/totp');
	t.is((await owner.open('/account/totp')).status, 200);
});

test('where sessions wait, and nobody is signed in anywhere, a password does: nobody could approve', async (t) => {
	const app = await startApp(t, {config});
	const {access_token: token} = await register(app, 'alice');
	await request(app, 'POST', `${V3}/logout`, {token});
	const owner = await signInOnPage(app, 'alice', passwordOf('alice'));
	t.is((await owner.open('/account/totp')).status, 200);
});
