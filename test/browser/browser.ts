/** A real browser, and a page in it that is served from this machine. */
import {existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {createServer} from 'node:http';
import {createRequire} from 'node:module';
import type {AddressInfo} from 'node:net';
import {tmpdir} from 'node:os';
import {dirname, extname, join, normalize} from 'node:path';
import type {ExecutionContext} from 'ava';
import {build} from 'esbuild';
import {type Browser, chromium, type Page} from 'playwright-core';

const PROGRAMS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const PAGE = join(process.cwd(), 'test/browser/client');

const MEDIA_TYPES: Readonly<Record<string, string>> = {
	'.html': 'text/html; charset=utf-8',
	'.js': 'text/javascript; charset=utf-8',
	'.wasm': 'application/wasm',
};

/** Finds the browser of this machine: `BROADSHEET_CHROMIUM`, or where Debian puts it. */
export function findChromium(): string | undefined {
	const named = process.env['BROADSHEET_CHROMIUM'];
	return [...(named === undefined ? [] : [named]), ...PROGRAMS].find((program) => existsSync(program));
}

/** Starts a browser that ends with the test. */
export async function startBrowser(t: ExecutionContext, executablePath: string): Promise<Browser> {
	const browser = await launchBrowser(executablePath);
	t.teardown(() => browser.close());
	return browser;
}

/** Starts a browser; its end is the caller's. */
export function launchBrowser(executablePath: string): Promise<Browser> {
	return chromium.launch({
		executablePath,
		// Where tests run as root, or in a container, the browser has no sandbox to make.
		args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
	});
}

/** Puts the small client together and serves it on a free loopback port. Gives its address. */
export async function serveClient(t: ExecutionContext): Promise<string> {
	const directory = mkdtempSync(join(tmpdir(), 'broadsheet-page-'));
	t.teardown(() => rmSync(directory, {recursive: true, force: true}));
	await build({
		entryPoints: [join(PAGE, 'client.ts')],
		bundle: true,
		format: 'esm',
		outfile: join(directory, 'client.js'),
		define: {global: 'globalThis'},
		logLevel: 'error',
	});
	// The cryptography looks for its program beside itself.
	const sdk = createRequire(createRequire(import.meta.url).resolve('matrix-js-sdk-newest'));
	const cryptography = join(dirname(sdk.resolve('@matrix-org/matrix-sdk-crypto-wasm')), 'pkg');
	const server = createServer((request, response) => {
		const path = normalize(new URL(request.url ?? '/', 'http://localhost').pathname);
		const file = path.startsWith('/pkg/')
			? join(cryptography, path.slice('/pkg/'.length))
			: path === '/'
				? join(PAGE, 'index.html')
				: join(directory, path);
		if (!existsSync(file)) {
			response.writeHead(404).end();
			return;
		}
		response.writeHead(200, {'content-type': MEDIA_TYPES[extname(file)] ?? 'application/octet-stream'});
		response.end(readFileSync(file));
	});
	await new Promise<void>((resolve) => {
		server.listen(0, '127.0.0.1', resolve);
	});
	t.teardown(() => {
		server.closeAllConnections();
		server.close();
	});
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** Keeps what a page looks like for whoever wants to see it: in the directory that `BROADSHEET_SCREENSHOTS` names. */
export async function takeScreenshot(page: Page, name: string): Promise<void> {
	const directory = process.env['BROADSHEET_SCREENSHOTS'];
	if (directory === undefined) return;
	mkdirSync(directory, {recursive: true});
	await page.screenshot({path: join(directory, `${name}.png`), fullPage: true});
}
