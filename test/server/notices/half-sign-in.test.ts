/** What an owner is told of somebody who knows their password and has not their second factor. */
import test, {type ExecutionContext} from 'ava';
import type {UserId} from '../../../crypto/index.ts';
import {
	type App,
	call,
	passwordOf,
	register,
	request,
	type Session,
	startMailServer,
	until,
} from '../../harness/index.ts';
import {givePassword, type Desk, openDesk, SECOND_STEP} from '../api/pages/factor-pages.ts';

const V3 = '/_matrix/client/v3';
const TOLD = /gave the right password of your account and could not show your second factor/u;
/** Notices are told one after the other, each by a job; a machine with much else to do takes some seconds for each. */
const TOLD_WITHIN_MS = 60_000;

/** Alice has a code generator, a session that is told, and an address that is written to. */
async function openGuarded(t: ExecutionContext) {
	const mail = await startMailServer(t);
	const desk = await openDesk(t, {server_notices: {enabled: true}, smtp: mail.smtp});
	const {storage} = desk.app.application;
	const batch = storage.batch();
	const address = {address: 'alice@mail.example', canonical: 'alice@mail.example', language: 'en', addedDay: 1};
	storage.mailAddresses.set(batch, {userId: desk.alice.user_id as UserId, ...address});
	await storage.commit(batch);
	return {...desk, mail, show: await desk.addGenerator()};
}

async function listTold(app: App, {access_token: token}: Session): Promise<string[]> {
	type Sync = {rooms?: {join?: Record<string, {timeline: {events: {content: {body?: string}}[]}}>}};
	const {rooms} = await call<Sync>(app, 'GET', `${V3}/sync`, {token});
	const events = Object.values(rooms?.join ?? {}).flatMap(({timeline}) => timeline.events);
	return events.map(({content}) => content.body ?? '').filter((text) => TOLD.test(text));
}

const untilTold = (app: App, session: Session) =>
	until(async () => (await listTold(app, session)).length > 0, 'to be told', TOLD_WITHIN_MS);

/** Waits until there is nothing more to tell: what was added last is told last. */
async function untilQuiet({app}: Pick<Desk, 'app'>): Promise<void> {
	const {storage} = app.application;
	await until(
		async () => (await storage.jobs.findNextDue(['tell-sessions', 'mail-notice'])) === undefined,
		'no job',
		TOLD_WITHIN_MS,
	);
}

test('the third wrong code after a right password is told to the owner, in their sessions and by mail, once a day', async (t) => {
	const {app, alice, advance, mail} = await openGuarded(t);
	await untilQuiet({app});
	const {visitor} = await givePassword(app);
	const guess = async () => {
		await visitor.open(SECOND_STEP);
		return (await visitor.submit(SECOND_STEP, {code: '000000'})).status;
	};
	t.deepEqual([await guess(), await guess()], [403, 403]);
	await untilQuiet({app});
	t.deepEqual(await listTold(app, alice), [], 'who mistypes twice is told nothing');
	t.is(await guess(), 403);
	await untilTold(app, alice);
	const {text} = await mail.take('alice@mail.example', TOLD);
	t.regex(text, TOLD);
	for (let index = 0; index < 3; index += 1) await guess();
	const login = {
		type: 'm.login.password',
		identifier: {type: 'm.id.user', user: 'alice'},
		password: passwordOf('alice'),
	};
	t.is((await request(app, 'POST', `${V3}/login`, {body: login})).status, 403);
	await untilQuiet({app});
	t.is((await listTold(app, alice)).length, 1);
	advance(25 * 60 * 60_000);
	t.is((await request(app, 'POST', `${V3}/login`, {body: login})).status, 403);
	await until(async () => (await listTold(app, alice)).length === 2, 'to be told on the next day', TOLD_WITHIN_MS);
});

test('the right password at the old login is answered as a wrong one, and told to the owner', async (t) => {
	const {app, alice} = await openGuarded(t);
	const login = (password: string) =>
		request(app, 'POST', `${V3}/login`, {
			body: {type: 'm.login.password', identifier: {type: 'm.id.user', user: 'alice'}, password},
		});
	const wrong = await login('a wrong password');
	await untilQuiet({app});
	t.deepEqual(await listTold(app, alice), []);
	const right = await login(passwordOf('alice'));
	t.deepEqual([right.status, right.text], [wrong.status, wrong.text]);
	await untilTold(app, alice);
});

test('a sign-in that is given up after the password is told when its time is over, and one that goes on is not', async (t) => {
	const {app, alice, advance, show} = await openGuarded(t);
	const {visitor} = await givePassword(app);
	await visitor.open(SECOND_STEP);
	t.is((await visitor.submit(SECOND_STEP, {code: show()})).status, 303);
	const {storage, services} = app.application;
	/** Lets the time of what was begun go by; a notice has the runner look at what is due. */
	const expire = async () => {
		advance(16 * 60_000);

		const batch = storage.batch();
		services.notices.add(batch, alice.user_id as UserId, {kind: 'totp-added'});
		await storage.commit(batch);
		await until(
			async () => (await storage.jobs.findNextDue(['tell-half-sign-in'])) === undefined,
			'to be looked at',
			TOLD_WITHIN_MS,
		);
	};
	await expire();
	await untilQuiet({app});
	t.deepEqual(await listTold(app, alice), []);
	await givePassword(app);
	await expire();
	await untilTold(app, alice);
});

test('who signs out between password and second factor is told of at once', async (t) => {
	const {app, alice} = await openGuarded(t);
	await register(app, 'bobby');
	const {visitor} = await givePassword(app);
	await visitor.open(SECOND_STEP);
	await visitor.submit('/account/sign-out');
	await untilTold(app, alice);
	t.pass();
});
