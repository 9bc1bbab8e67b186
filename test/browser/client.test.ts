/** A web client in a real browser, on the newest library: what somebody does in their first hour. */
import {crc32, deflateSync} from 'node:zlib';
import test, {type ExecutionContext} from 'ava';
import type {Browser, Page} from 'playwright-core';
import {
	type App,
	call,
	login,
	passwordOf,
	path,
	register,
	registerBySecret,
	startApp,
	until,
} from '../harness/index.ts';
import {findChromium, serveClient, startBrowser, takeScreenshot} from './browser.ts';

const WITHIN_MS = 30_000;
const RED = [200, 30, 40];
const BLUE = [30, 90, 200];

// Run by itself (`npm run test:browser`): a browser takes most of a small machine while other tests count on their part.
const isAsked = process.env['BROADSHEET_BROWSER'] !== undefined;
const program = findChromium();
const testInBrowser = isAsked && program !== undefined ? test : test.skip;
if (isAsked && program === undefined) console.log('skipped: no chromium is here');

/** Signs somebody in as they would, in a profile of their own. */
async function open(t: ExecutionContext, browser: Browser, address: string, app: App, user: string): Promise<Page> {
	const context = await browser.newContext({viewport: {width: 900, height: 600}});
	t.teardown(() => context.close());
	context.setDefaultTimeout(WITHIN_MS);
	const page = await context.newPage();
	page.on('pageerror', (error) => t.log(`${user}: ${error.message}`));
	await page.goto(address);
	await page.getByLabel('Homeserver').fill(app.url);
	await page.getByLabel('User name').fill(user);
	await page.getByLabel('Password').fill(passwordOf(user));
	await page.getByRole('button', {name: 'Sign in'}).click();
	await page.getByRole('region', {name: 'Rooms'}).waitFor();
	return page;
}

async function setAvatar(page: Page, colour: readonly number[]): Promise<void> {
	await page.getByLabel('New avatar').setInputFiles({
		name: 'me.png',
		mimeType: 'image/png',
		buffer: makePng(colour),
	});
	await untilShown(page, 'Your avatar');
}

/** A square of one colour. */
function makePng(colour: readonly number[]): Buffer {
	const pixels = 64;
	const header = Buffer.alloc(13);
	header.writeUInt32BE(pixels, 0);
	header.writeUInt32BE(pixels, 4);
	// Eight bits for each of red, green and blue.
	header.set([8, 2], 8);
	const row = Buffer.from([0, ...Array.from({length: pixels}, () => colour).flat()]);
	const rows = Buffer.concat(Array.from({length: pixels}, () => row));
	return Buffer.concat([
		Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
		makeChunk('IHDR', header),
		makeChunk('IDAT', deflateSync(rows)),
		makeChunk('IEND', Buffer.alloc(0)),
	]);
}

function makeChunk(type: string, data: Buffer): Buffer {
	const body = Buffer.concat([Buffer.from(type), data]);
	const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
	length.writeUInt32BE(data.length);
	check.writeUInt32BE(crc32(body));
	return Buffer.concat([length, body, check]);
}

/** Waits until a picture has been loaded, and not only asked for. */
async function untilShown(page: Page, name: string): Promise<void> {
	const picture = page.getByAltText(name).first();
	await until(
		() =>
			picture.evaluate((image: {complete: boolean; naturalWidth: number}) => image.complete && image.naturalWidth > 0),
		`the picture ‘${name}’`,
		WITHIN_MS,
	);
}

async function say(page: Page, text: string): Promise<void> {
	await page.getByLabel('Message').fill(text);
	await page.getByRole('button', {name: 'Send'}).click();
}

testInBrowser('two people meet, talk in an encrypted room, and see what is unread and each other', async (t) => {
	const app = await startApp(t);
	for (const name of ['alice', 'bobby']) await register(app, name);
	const [address, browser] = [await serveClient(t), await startBrowser(t, program!)];
	const alice = await open(t, browser, address, app, 'alice');
	const bob = await open(t, browser, address, app, 'bobby');
	await setAvatar(alice, RED);
	await setAvatar(bob, BLUE);
	await takeScreenshot(alice, '1-signed-in');

	await invite(alice, 'News desk', '@bobby:news.example');
	await bob.getByRole('button', {name: 'News desk'}).click();
	await bob.getByRole('button', {name: 'Accept the invitation'}).click();
	await bob.getByLabel('Message').waitFor();
	await say(bob, 'Have you seen the documents?');
	await alice.locator('.body', {hasText: 'Have you seen the documents?'}).waitFor();
	await say(alice, 'All of them.');
	await bob.locator('.body', {hasText: 'All of them.'}).waitFor();
	await untilShown(alice, 'Avatar of @bobby:news.example');
	await untilShown(bob, 'Avatar of @alice:news.example');
	await takeScreenshot(bob, '2-conversation');

	// In another room bob does not see what is said, but that it was.
	await invite(bob, 'Elsewhere', '@alice:news.example');
	await say(alice, 'One more thing.');
	await say(alice, 'And another.');
	const entry = bob.getByRole('button', {name: 'News desk'});
	await entry.locator('.count', {hasText: /^2$/u}).waitFor();
	await takeScreenshot(bob, '3-unread');
	await entry.click();
	await bob.locator('.body', {hasText: 'And another.'}).waitFor();
	await entry.locator('.count').waitFor({state: 'detached'});
	await takeScreenshot(bob, '4-read');

	for (const page of [alice, bob])
		t.is(await page.getByRole('alert').textContent(), '', 'nothing went wrong on the way');
	await expectSealed(t, app);
});

async function look(page: Page, who: string): Promise<string[]> {
	await page.getByLabel('Whom to look for').fill(who);
	await page.getByRole('button', {name: 'Find'}).click();
	await page.getByRole('status').filter({hasText: 'found'}).waitFor();
	return page.getByRole('list', {name: 'People'}).getByRole('listitem').allTextContents();
}

async function invite(page: Page, name: string, userId: string): Promise<void> {
	await page.getByLabel('Name of the new room').fill(name);
	await page.getByLabel('Whom to invite').fill(userId);
	await page.getByRole('button', {name: 'Create'}).click();
	await page.getByRole('heading', {name: `${name} 🔒`}).waitFor();
}

testInBrowser(
	'strangers find nobody, and invite whom they know without a word of error; then they see each other',
	async (t) => {
		const app = await startApp(t);
		for (const name of ['alice', 'bobby']) await register(app, name);
		const [address, browser] = [await serveClient(t), await startBrowser(t, program!)];
		const alice = await open(t, browser, address, app, 'alice');
		const bob = await open(t, browser, address, app, 'bobby');
		t.deepEqual(await look(alice, 'bobby'), []);
		await invite(alice, 'Somebody', '@bobby:news.example');
		// Of whom nobody has ever heard a client is told no other.
		await invite(alice, 'Nobody', '@nobody:news.example');
		await bob.getByRole('button', {name: 'Somebody'}).click();
		await bob.getByRole('button', {name: 'Accept the invitation'}).click();
		await alice.getByRole('button', {name: 'Somebody'}).click();
		await say(bob, 'It is me.');
		await alice.locator('.body', {hasText: 'It is me.'}).waitFor();
		t.deepEqual(await look(alice, 'bobby'), ['@bobby:news.example']);
		await takeScreenshot(alice, '5-found-after-they-met');
		for (const page of [alice, bob])
			t.is(await page.getByRole('alert').textContent(), '', 'nothing went wrong on the way');
	},
);

testInBrowser('colleagues on a closed server find each other, and invite whom they found', async (t) => {
	const app = await startApp(t, {config: {registration: 'closed'}});
	for (const name of ['alice', 'bobby']) await registerBySecret(app, name);
	const [address, browser] = [await serveClient(t), await startBrowser(t, program!)];
	const alice = await open(t, browser, address, app, 'alice');
	const bob = await open(t, browser, address, app, 'bobby');
	t.deepEqual(await look(alice, 'bobby'), ['@bobby:news.example']);
	await invite(alice, 'Desk', '@bobby:news.example');
	await bob.getByRole('button', {name: 'Desk'}).click();
	await bob.getByRole('button', {name: 'Accept the invitation'}).click();
	await bob.getByLabel('Message').waitFor();
	await takeScreenshot(alice, '6-colleagues');
	for (const page of [alice, bob])
		t.is(await page.getByRole('alert').textContent(), '', 'nothing went wrong on the way');
});

/** What the server holds of the conversation is ciphertext. */
async function expectSealed(t: ExecutionContext, app: App): Promise<void> {
	const {access_token: token} = await login(app, 'alice');
	const {joined_rooms: rooms} = await call<{joined_rooms: string[]}>(app, 'GET', '/_matrix/client/v3/joined_rooms', {
		token,
	});
	const types: string[] = [];
	for (const roomId of rooms) {
		const {chunk} = await call<{chunk: {type: string}[]}>(
			app,
			'GET',
			`/_matrix/client/v3/rooms/${path(roomId)}/messages?dir=b&limit=50`,
			{token},
		);
		types.push(...chunk.map(({type}) => type));
	}
	t.is(types.filter((type) => type === 'm.room.encrypted').length, 4);
	t.false(types.includes('m.room.message'));
}
