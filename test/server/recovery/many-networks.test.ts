/** Whoever asks from many networks keeps nobody from their own account. */
import test, {type ExecutionContext} from 'ava';
import type {UserId} from '../../../crypto/index.ts';
import {systemClock} from '../../../federation/engine/index.ts';
import {
	type App,
	passwordOf,
	register,
	signInOnPage,
	startApp,
	startMailServer,
	until,
	Visitor,
} from '../../harness/index.ts';

const PAGE = '/account/recover';
const ADDRESS_PAGE = '/account/email';
const RESET = '/_matrix/client/v3/account/password/email/requestToken';
const ADD = '/_matrix/client/v3/account/3pid/email/requestToken';
/** Mails are sent one after the other, each by a job; a machine with much else to do takes some seconds for each. */
const SENT_WITHIN_MS = 60_000;
const addressOf = (name: string): string => `${name}@mail.example`;

async function giveAddress({application: {storage}}: App, name: string): Promise<void> {
	const batch = storage.batch();
	const address = {address: addressOf(name), canonical: addressOf(name), language: 'en', addedDay: 1};
	storage.mailAddresses.set(batch, {userId: `@${name}:news.example` as UserId, ...address});
	await storage.commit(batch);
}

async function start(t: ExecutionContext, names: readonly string[], options: Parameters<typeof startApp>[1] = {}) {
	const mail = await startMailServer(t);
	const app = await startApp(t, {...options, config: {smtp: mail.smtp, ...options.config}});
	for (const name of names) {
		await register(app, name);
		await giveAddress(app, name);
	}
	return {app, mail};
}

/** Asks for a link as a client does, from some address that a proxy tells of. */
async function ask(app: App, url: string, from: string, email: string, attempt = 1) {
	const reply = await fetch(app.url + url, {
		method: 'POST',
		headers: {'content-type': 'application/json', 'x-forwarded-for': from},
		body: JSON.stringify({client_secret: `${from} ${email}`, email, send_attempt: attempt}),
	});
	return {status: reply.status, text: await reply.text(), headers: [...reply.headers.keys()]};
}

/** As many requests as one network may make at once, from each of some. */
async function besiege(app: App, url: string): Promise<number[]> {
	const statuses: number[] = [];
	for (const from of ['198.51.100.1', '198.51.100.2']) {
		const asked = [1, 2, 3, 4, 5].map((each) => ask(app, url, from, `${from}-${each}@mail.example`));
		statuses.push(...(await Promise.all(asked)).map(({status}) => status));
	}
	return statuses;
}

/** Until nobody is written to any more. */
const untilSent = (app: App) =>
	until(
		async () => (await app.application.storage.jobs.findNextDue(['mail-link'])) === undefined,
		'no job',
		SENT_WITHIN_MS,
	);

const limits = (rates: object) => ({config: {rate_limits: {registration: {per_second: 1, burst: 50}, ...rates}}});

for (const url of [RESET, ADD]) {
	test(`row 49: many networks that ask at ${url} keep nobody from recovering their account`, async (t) => {
		const {app, mail} = await start(t, ['alice', 'bob'], limits({'mail-link-whole': {per_second: 0.001, burst: 5}}));
		const statuses = await besiege(app, url);
		t.is(
			statuses.filter((status) => status === 429).length,
			url === ADD ? 5 : 0,
			'mails to anybody are limited together',
		);
		const owner = new Visitor(app, {'x-forwarded-for': '203.0.113.1'});
		const answers: string[] = [];
		for (const name of ['alice', 'nobody', addressOf('nobody')]) {
			await owner.open(PAGE);
			const {status, text, headers} = await owner.submit(PAGE, {name});
			answers.push(JSON.stringify([status, text, [...headers.keys()]]));
		}
		t.is(new Set(answers).size, 1, 'whoever is asked for');
		await untilSent(app);
		t.truthy(await mail.take(addressOf('alice'), /account\/recover/u));
		const replies: Awaited<ReturnType<typeof ask>>[] = [];
		for (const name of ['bob', 'eve']) replies.push(await ask(app, RESET, '203.0.113.2', addressOf(name)));
		t.deepEqual(
			replies.map(({status, text, headers}) => [status, text.length, headers]),
			replies.map(({headers}) => [200, replies[0]?.text.length, headers]),
		);
		await untilSent(app);
		t.truthy(await mail.take(addressOf('bob'), /account\/recover/u));
		const visitor = await signInOnPage(app, 'alice', passwordOf('alice'));
		await visitor.open(ADDRESS_PAGE);
		t.is((await visitor.submit(ADDRESS_PAGE, {email: 'new@mail.example'})).status, 200, 'nor from a new address');
		await untilSent(app);
		t.truthy(await mail.take('new@mail.example', /account\/email/u));
	});
}

test('requests for recovery have a limit together, whoever is asked for', async (t) => {
	const {app} = await start(t, ['alice'], limits({'recovery-whole': {per_second: 0.001, burst: 4}}));
	const statuses: number[] = [];
	for (const [index, name] of ['alice', 'nobody', 'alice', 'nobody', 'alice', 'nobody'].entries()) {
		statuses.push((await ask(app, RESET, `198.51.100.${index}`, addressOf(name))).status);
	}
	t.deepEqual(statuses, [200, 200, 200, 200, 429, 429]);
});

test('where very many mails are asked for, whoever has no link yet is sent one, and nobody a second', async (t) => {
	let nowMs = systemClock.now();
	const clock = {...systemClock, now: () => nowMs, monotonic: () => nowMs};
	const names = Array.from({length: 18}, (_, index) => `person-${index}`);
	const {app, mail} = await start(t, names, {clock});
	let attempt = 0;
	/** Who is written to when a link is asked for an account. */
	const sentTo = async (name: string): Promise<string[]> => {
		attempt += 1;
		mail.mails.length = 0;
		t.is((await ask(app, RESET, '198.51.100.1', addressOf(name), attempt)).status, 200);
		await untilSent(app);
		// Others tell of what was done to the account.
		return mail.mails.filter(({text}) => text.includes('/account/recover/')).map(({to}) => to);
	};
	const last = names.pop() ?? '';
	let count = 0;
	for (const name of names) {
		for (const _ of [1, 2, 3]) count += (await sentTo(name)).length;
	}
	t.is(count, 50, 'three are sent to each, as long as there are enough');
	t.deepEqual(await sentTo(last), [addressOf(last)], 'nobody is kept from the first one');
	t.deepEqual(await sentTo(last), []);
	nowMs += 5_000;
	t.deepEqual(await sentTo(last), [addressOf(last)]);
	t.deepEqual(await sentTo(last), []);
});
