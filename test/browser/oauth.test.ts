/** Signing in by OAuth in a real browser, which decides where a form may lead. */
import {createHash, randomBytes} from 'node:crypto';
import {createServer} from 'node:http';
import type {AddressInfo} from 'node:net';
import type {ExecutionContext} from 'ava';
import {register} from '../harness/index.ts';
import {exchange, METADATA, registerClient, whoami} from '../server/api/oauth/client.ts';
import {sharedBrowser, testInBrowser} from './in-browser.ts';
import {giveName, openContext, startVisited} from './visit.ts';

/** A program that listens on a port of the loopback interface for where the browser comes back to. */
async function listen(t: ExecutionContext): Promise<{readonly port: number; readonly came: Promise<URL>}> {
	let arrive: (url: URL) => void = () => undefined;
	const came = new Promise<URL>((resolve) => {
		arrive = resolve;
	});
	const server = createServer(({url = ''}, response) => {
		response.writeHead(200, {'content-type': 'text/html'}).end('<h1>The program</h1>');
		if (url.startsWith('/callback')) arrive(new URL(url, 'http://127.0.0.1'));
	});
	await new Promise<void>((resolve) => {
		server.listen(0, '127.0.0.1', resolve);
	});
	t.teardown(() => {
		server.closeAllConnections();
		server.close();
	});
	return {port: (server.address() as AddressInfo).port, came};
}

testInBrowser(
	'without scripts somebody signs in, lets a program in, and is back at it, which has a session',
	async (t) => {
		const app = await startVisited(t);
		const {user_id: alice} = await register(app, 'alice');
		const {port, came} = await listen(t);
		const redirectUris = ['http://127.0.0.1/callback'];
		const clientId = await registerClient(app, {...METADATA, application_type: 'native', redirect_uris: redirectUris});
		const verifier = randomBytes(32).toString('base64url');
		const search = new URLSearchParams({
			response_type: 'code',
			client_id: clientId,
			redirect_uri: `http://127.0.0.1:${port}/callback`,
			scope: 'urn:matrix:client:api:* urn:matrix:client:device:DESKTOP000',
			state: 's',
			code_challenge: createHash('sha256').update(verifier).digest('base64url'),
			code_challenge_method: 'S256',
		});
		const page = await (await openContext(t, sharedBrowser(), {javaScriptEnabled: false})).newPage();
		await page.goto(`${app.url}/oauth2/authorize?${search.toString()}`);
		await giveName(page, 'alice');
		await page.getByText('A client').waitFor();
		await page.getByRole('button', {name: 'Sign in', exact: true}).click();
		await page.getByRole('heading', {name: 'The program'}).waitFor();
		const code = (await came).searchParams.get('code') ?? '';
		const {status, body} = await exchange(app, {search, verifier, clientId}, code);
		t.is(status, 200);
		t.like(await whoami(app, body.access_token), {user_id: alice, device_id: 'DESKTOP000'});
	},
);
