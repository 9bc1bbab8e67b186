import {randomBytes} from 'node:crypto';
import {readdirSync, readlinkSync, renameSync} from 'node:fs';
import {request as httpRequest} from 'node:http';
import {join} from 'node:path';
import test from 'ava';
import {ContentStore} from '../../../../server/media/index.ts';
import {call, register, request, startApp, until} from '../../../harness/index.ts';
import {DOWNLOAD, download, listFiles, png, THUMBNAIL, UPLOAD, upload} from './media-requests.ts';

const CREATE = '/_matrix/media/v1/create';

test('a file comes back as it was, with its type and name, and can do nothing in a browser', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const content = Buffer.alloc(300_000, 'news ');
	const uploaded = await upload(app, alice, content, {type: 'text/plain; charset=utf-8', name: 'front page.txt'});
	t.is(uploaded.status, 200);
	t.regex(String(uploaded.body['content_uri']), /^mxc:\/\/news\.example\/[\w-]{43}$/u);
	const got = await download(app, alice, DOWNLOAD + uploaded.path);
	t.is(got.status, 200);
	t.true(got.content.equals(content));
	t.is(got.headers.get('content-type'), 'text/plain; charset=utf-8');
	t.is(got.headers.get('content-length'), String(content.length));
	t.is(got.headers.get('content-disposition'), 'inline; filename="front page.txt"');
	t.true(got.headers.get('content-security-policy')?.startsWith("sandbox; default-src 'none'"));
	t.is(got.headers.get('cross-origin-resource-policy'), 'cross-origin');
	t.is(got.headers.get('x-content-type-options'), 'nosniff');
	const renamed = await download(app, alice, `${DOWNLOAD}${uploaded.path}/${encodeURIComponent('☕.txt')}`);
	t.is(renamed.headers.get('content-disposition'), "inline; filename*=utf-8''%E2%98%95.txt");
});

test('F3: only harmless types are shown in place, and what is no type is unknown bytes', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const rows: [string | undefined, string, string][] = [
		['image/png', 'inline', 'image/png'],
		['Text/Plain; charset=utf-8', 'inline', 'Text/Plain; charset=utf-8'],
		['text/html', 'attachment', 'text/html'],
		['image/svg+xml', 'attachment', 'image/svg+xml'],
		['image/svg+xml;charset=utf-8', 'attachment', 'image/svg+xml;charset=utf-8'],
		['application/xhtml+xml', 'attachment', 'application/xhtml+xml'],
		['text/xml', 'attachment', 'text/xml'],
		['application/xml', 'attachment', 'application/xml'],
		['application/javascript', 'attachment', 'application/javascript'],
		['multipart/related', 'attachment', 'multipart/related'],
		['message/rfc822', 'attachment', 'message/rfc822'],
		['text', 'attachment', 'application/octet-stream'],
		[`text/${'x'.repeat(300)}`, 'attachment', 'application/octet-stream'],
	];
	for (const [type, disposition, served] of rows) {
		const {path} = await upload(app, alice, '<script>', type === undefined ? {} : {type});
		const got = await download(app, alice, DOWNLOAD + path);
		t.is(got.headers.get('content-disposition'), disposition, type);
		t.is(got.headers.get('content-type'), served);
		// A browser that would look for itself what it is, is told not to; and what it shows can do nothing.
		t.is(got.headers.get('x-content-type-options'), 'nosniff');
		t.true(got.headers.get('content-security-policy')?.startsWith("sandbox; default-src 'none'"));
	}
});

test('names of files keep their spaces, semicolons, quotes and letters of any language', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const rows: [string, string][] = [
		['name;with;semicolons', 'inline; filename="name;with;semicolons"'],
		['a"b\\c', "inline; filename*=utf-8''a%22b%5Cc"],
		['🐔', "inline; filename*=utf-8''%F0%9F%90%94"],
		["it's (1)*", 'inline; filename="it\'s (1)*"'],
		['../../etc/passwd', 'inline; filename="../../etc/passwd"'],
	];
	for (const [name, expected] of rows) {
		const {path} = await upload(app, alice, 'x', {type: 'image/png', name});
		t.is((await download(app, alice, DOWNLOAD + path)).headers.get('content-disposition'), expected);
	}
	for (const name of ['a\nb', 'a\u0000', 'x'.repeat(256)]) {
		const {status, body} = await upload(app, alice, 'x', {name});
		t.is(status, 400);
		t.is(body['errcode'], 'M_INVALID_PARAM');
	}
	t.is((await upload(app, alice, '')).status, 200, 'an empty file is a file');
});

test('F1: paths are made from our own hash alone, and equal contents share a file', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const store = join(app.directory, 'data', 'media');
	const paths = await Promise.all(
		Array.from({length: 5}, async (_, index) => (await upload(app, alice, 'same', {name: `../${index}`})).path),
	);
	t.is(new Set(paths).size, 5);
	const files = listFiles(store);
	t.is(files.length, 1);
	t.regex(files[0] ?? '', /^[0-9a-f]{2}\/[0-9a-f]{2}\/[0-9a-f]{60}$/u);
	for (const id of HOSTILE_IDS) {
		for (const at of [`${DOWNLOAD}/news.example/${id}`, `${THUMBNAIL}/news.example/${id}?width=9&height=9`]) {
			const got = await request(app, 'GET', at, {token: alice.access_token});
			t.deepEqual([got.status, got.body['errcode']], [400, 'M_INVALID_PARAM'], at);
		}
	}
	for (const server of ['..%2f', 'a%5c', 'news.example%2f..', '..%5c..%5cwindows', 'C%3A%5c', '%252e%252e%252f']) {
		for (const at of [`${DOWNLOAD}/${server}/abc`, `${DOWNLOAD}/${server}/abc/name`]) {
			t.true([400, 404].includes((await request(app, 'GET', at, {token: alice.access_token})).status), at);
		}
	}
	// What a file is called is said in the answer, and names nothing here.
	for (const name of ['..%2f..%2fetc%2fpasswd', '..%5c..%5cwin.ini', '%2fetc%2fpasswd', 'CON', 'C%3A%5cx']) {
		const got = await download(app, alice, `${DOWNLOAD}${paths[0]!}/${name}`);
		t.deepEqual([got.status, String(got.content)], [200, 'same'], name);
		t.regex(got.headers.get('content-disposition') ?? '', /^inline; filename/);
	}
	for (const name of ['a%0d%0ax-evil%3A%201', 'a%00b', `a${'%F0%9F%90%94'.repeat(300)}`, '%ff', 'a%22%3B%20x%3D']) {
		const got = await download(app, alice, `${DOWNLOAD}${paths[0]!}/${name}`);
		t.true(got.status === 200 || got.status === 400, `${name} ${got.status}`);
		t.is(got.headers.get('x-evil'), null, name);
	}
	t.deepEqual(listFiles(store), files);
});

/** Ids that would name another place, were they a part of a path: also in the forms of Windows, and encoded twice. */
const HOSTILE_IDS = [
	'..%2f..%2fetc',
	'a..%2fb',
	'a%00b',
	'a%5cb',
	'..%5c..%5cwindows%5cwin.ini',
	'C%3A%5cwindows',
	'%252e%252e%252fetc',
	'%2fetc%2fpasswd',
	'%2e%2e%2f',
	'a.b',
	'a%0ab',
	'ä',
];

test('files larger than the limit are refused, announced or not, and leave nothing behind', async (t) => {
	const app = await startApp(t, {config: {media: {max_upload: '100KiB'}}});
	const alice = await register(app, 'alice');
	for (const path of ['/_matrix/client/v1/media/config', '/_matrix/media/v3/config']) {
		t.deepEqual(await call(app, 'GET', path, {token: alice.access_token}), {'m.upload.size': 102_400});
	}
	const announced = await upload(app, alice, Buffer.alloc(102_401));
	t.is(announced.status, 413);
	t.is(announced.body['errcode'], 'M_TOO_LARGE');
	const status = await new Promise<number | undefined>((resolve, reject) => {
		const chunked = httpRequest(app.url + UPLOAD, {
			method: 'POST',
			headers: {authorization: `Bearer ${alice.access_token}`, 'transfer-encoding': 'chunked'},
		});
		chunked.on('response', (response) => {
			response.resume();
			resolve(response.statusCode);
		});
		chunked.on('error', reject);
		for (let part = 0; part < 4; part += 1) chunked.write(Buffer.alloc(50_000));
	});
	t.is(status, 413);
	t.is((await upload(app, alice, Buffer.alloc(102_400))).status, 200);
	await until(() => listFiles(join(app.directory, 'data', 'media')).length === 1, 'one file and no rest');
});

test('an upload that breaks off leaves nothing behind', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const store = join(app.directory, 'data', 'media');
	const broken = httpRequest(app.url + UPLOAD, {
		method: 'POST',
		headers: {authorization: `Bearer ${alice.access_token}`, 'content-length': '1000000'},
	});
	broken.on('error', () => undefined);
	broken.write(Buffer.alloc(100_000));
	await until(() => listFiles(store).length === 1, 'a file under way');
	broken.destroy();
	await until(() => listFiles(store).length === 0, 'nothing left');
	t.pass();
});

test('F6: unknown media, and media for nobody who signed in, are not given', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const {path} = await upload(app, alice, 'secret');
	const unknown = await request(app, 'GET', `${DOWNLOAD}/news.example/unknown`, {token: alice.access_token});
	t.is(unknown.status, 404);
	t.is(unknown.body['errcode'], 'M_NOT_FOUND');
	t.is((await request(app, 'GET', DOWNLOAD + path)).status, 401);
	t.is((await request(app, 'GET', `${THUMBNAIL}${path}?width=1&height=1`)).status, 401);
	t.is((await request(app, 'POST', UPLOAD)).status, 401);
	for (const legacy of [`download${path}`, `download${path}/a.txt`, `thumbnail${path}`]) {
		const answer = await request(app, 'GET', `/_matrix/media/v3/${legacy}`, {token: alice.access_token});
		t.is(answer.status, 404);
		t.is(answer.body['errcode'], 'M_NOT_FOUND');
	}
	const off = await startApp(t, {config: {federation: {mode: 'off'}}});
	const bob = await register(off, 'bobby');
	const remote = await request(off, 'GET', `${DOWNLOAD}/elsewhere.example/abc`, {token: bob.access_token});
	t.is(remote.status, 404, 'with federation off nobody is asked');
});

test('an id may be handed out first and its content come once, from the same person', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const bob = await register(app, 'bobby');
	const {access_token: token} = alice;
	const create = () => call<{content_uri: string; unused_expires_at: number}>(app, 'POST', CREATE, {token});
	const created = await create();
	t.true(created.unused_expires_at > Date.now());
	const path = created.content_uri.slice('mxc:/'.length);
	const early = await request(app, 'GET', `${DOWNLOAD}${path}?timeout_ms=0`, {token});
	t.is(early.status, 504);
	t.is(early.body['errcode'], 'M_NOT_YET_UPLOADED');
	const waiting = download(app, bob, `${DOWNLOAD}${path}?timeout_ms=30000`);
	const foreign = await upload(app, bob, 'theirs', {path: `${UPLOAD}${path}`});
	t.is(foreign.status, 403);
	t.is((await upload(app, alice, png, {path: `${UPLOAD}${path}`, type: 'image/png', name: 'a.png'})).status, 200);
	const got = await waiting;
	t.true(got.content.equals(png), 'who waits gets it when it comes');
	t.is(got.headers.get('content-disposition'), 'inline; filename="a.png"');
	const again = await upload(app, alice, 'other', {path: `${UPLOAD}${path}`});
	t.is(again.status, 409);
	t.is(again.body['errcode'], 'M_CANNOT_OVERWRITE_MEDIA');
	for (const unknown of ['/news.example/unknown', '/elsewhere.example/abc']) {
		t.is((await upload(app, alice, 'x', {path: `${UPLOAD}${unknown}`})).status, 404);
	}
	const late = (await create()).content_uri.slice('mxc:/'.length);
	app.advance(86_400_001);
	t.is((await upload(app, alice, 'x', {path: `${UPLOAD}${late}`})).status, 404, 'the id has ended');
});

test('E13: of several uploads to one id at once one wins', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const {content_uri: uri} = await call<{content_uri: string}>(app, 'POST', CREATE, {token: alice.access_token});
	const path = `${UPLOAD}${uri.slice('mxc:/'.length)}`;
	const uploads = await Promise.all(Array.from({length: 8}, (_, index) => upload(app, alice, `${index}`, {path})));
	t.is(uploads.filter(({status}) => status === 200).length, 1);
	t.is(uploads.filter(({status}) => status === 409).length, 7);
});

test('a person has a bounded number of ids that wait for their content', async (t) => {
	const app = await startApp(t);
	const {access_token: token} = await register(app, 'alice');
	for (let count = 0; count < 50; count += 1) await call(app, 'POST', CREATE, {token});
	const refused = await request(app, 'POST', CREATE, {token});
	t.is(refused.status, 429);
	t.is(refused.body['errcode'], 'M_LIMIT_EXCEEDED');
});

test('a part of a file is given to who asks for it, and nothing to who has the file already', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const {path} = await upload(app, alice, '0123456789', {type: 'video/mp4'});
	const whole = await download(app, alice, DOWNLOAD + path);
	const tag = whole.headers.get('etag') ?? '';
	t.regex(tag, /^"[0-9a-f]{64}"$/u);
	t.is(whole.headers.get('accept-ranges'), 'bytes');
	const rows: [string, number, string, string | null][] = [
		['bytes=0-3', 206, '0123', 'bytes 0-3/10'],
		['bytes=4-', 206, '456789', 'bytes 4-9/10'],
		['bytes=-3', 206, '789', 'bytes 7-9/10'],
		['bytes=-99', 206, '0123456789', 'bytes 0-9/10'],
		['bytes=8-99', 206, '89', 'bytes 8-9/10'],
		['bytes=9-9', 206, '9', 'bytes 9-9/10'],
		['bytes=0-1,3-4', 200, '0123456789', null],
		['bytes=5-4', 200, '0123456789', null],
		['bytes=-', 200, '0123456789', null],
		['lines=1-2', 200, '0123456789', null],
		['bytes=10-', 416, '', 'bytes */10'],
		['bytes=-0', 416, '', 'bytes */10'],
	];
	for (const [range, status, text, contentRange] of rows) {
		const got = await download(app, alice, DOWNLOAD + path, {range});
		t.is(got.status, status, range);
		t.is(got.headers.get('content-range'), contentRange, range);
		if (status === 416) continue;
		t.is(String(got.content), text, range);
		t.is(got.headers.get('content-length'), String(text.length));
		t.is(got.headers.get('content-disposition'), 'inline');
	}
	t.is((await download(app, alice, DOWNLOAD + path, {range: 'bytes=0-3', 'if-range': tag})).status, 206);
	for (const other of ['"other"', `W/${tag}`, 'Wed, 21 Oct 2015 07:28:00 GMT']) {
		t.is((await download(app, alice, DOWNLOAD + path, {range: 'bytes=0-3', 'if-range': other})).status, 200, other);
	}
	for (const known of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
		const got = await download(app, alice, DOWNLOAD + path, {'if-none-match': known});
		t.is(got.status, 304, known);
		t.is(got.content.length, 0);
		t.is(got.headers.get('etag'), tag);
	}
	t.is((await download(app, alice, DOWNLOAD + path, {'if-none-match': '"other"'})).status, 200);
});

test('no file stays open after an answer, whatever the answer is', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const {path} = await upload(app, alice, Buffer.alloc(500_000, 'x'), {type: 'image/png'});
	const store = join(app.directory, 'data', 'media');
	const countOpen = () =>
		readdirSync('/proc/self/fd').filter((number) => {
			try {
				return readlinkSync(`/proc/self/fd/${number}`).startsWith(store);
			} catch {
				return false;
			}
		}).length;
	const headers = {authorization: `Bearer ${alice.access_token}`};
	const head = await fetch(app.url + DOWNLOAD + path, {method: 'HEAD', headers});
	t.is(head.status, 200);
	t.is(head.headers.get('content-length'), '500000');
	const extras: Record<string, string>[] = [{range: 'bytes=999999-'}, {'if-none-match': '*'}, {range: 'bytes=5-9'}];
	for (const extra of extras) {
		await download(app, alice, DOWNLOAD + path, extra);
		await fetch(app.url + DOWNLOAD + path, {method: 'HEAD', headers: {...headers, ...extra}});
	}
	await request(app, 'GET', `${THUMBNAIL}${path}?width=9&height=9`, {token: alice.access_token});
	const controller = new AbortController();
	await fetch(app.url + DOWNLOAD + path, {headers, signal: controller.signal});
	controller.abort();
	await until(() => countOpen() === 0, 'every file to be closed');
	t.pass();
});

test('F8: no page is asked for a preview, and who has not signed in is not told so', async (t) => {
	const app = await startApp(t);
	const {access_token: token} = await register(app, 'alice');
	for (const path of ['/_matrix/client/v1/media/preview_url', '/_matrix/media/v3/preview_url']) {
		const off = await request(app, 'GET', `${path}?url=https%3A%2F%2Fpage.example%2F&ts=1`, {token});
		t.is(off.status, 404);
		t.is(off.body['errcode'], 'M_UNRECOGNIZED');
		t.is((await request(app, 'GET', `${path}?url=https%3A%2F%2Fpage.example%2F`)).status, 401);
		t.is((await request(app, 'GET', path, {token})).status, 400, 'a page is to be named');
	}
});

test('F6: a file goes a day after the last medium that names it, and a new upload of it comes to no harm', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const store = join(app.directory, 'data', 'media');
	const random = (count: number) => randomBytes(count);
	const contents = new ContentStore(store, random);
	const kept = await upload(app, alice, 'kept');
	const give = (text: string) =>
		async function* source() {
			yield Buffer.from(text);
		};
	const unused = await contents.receive(give('unused'));
	const {sha256} = await contents.receive(give('came back'));
	const never = () => Promise.resolve(false);
	const laterMs = Date.now() + 2 * 86_400_000;
	t.false(
		await contents.removeUnused(unused.sha256, {nowMs: Date.now(), ageMs: 86_400_000, isUsed: never}),
		'it may be of an upload under way',
	);
	t.deepEqual(await contents.listOlder(unused.sha256.slice(0, 2), Date.now()), []);
	t.deepEqual(await contents.listOlder(unused.sha256.slice(0, 2), laterMs), [unused.sha256]);
	t.true(await contents.removeUnused(unused.sha256, {nowMs: laterMs, ageMs: 86_400_000, isUsed: never}));
	t.false(await contents.removeUnused(unused.sha256, {nowMs: laterMs, ageMs: 86_400_000, isUsed: never}), 'it is gone');
	// Between the two looks somebody uploads the same content, and what names it is written.
	const answers = [false, true];
	t.false(
		await contents.removeUnused(sha256, {
			nowMs: laterMs,
			ageMs: 86_400_000,
			isUsed: () => Promise.resolve(answers.shift() ?? true),
		}),
	);
	await (await contents.open(sha256))?.close();
	t.true(listFiles(store).some((name) => name.replaceAll('/', '') === sha256));
	// A process was stopped while it had put the file aside.
	renameSync(join(store, sha256.slice(0, 2), sha256.slice(2, 4), sha256.slice(4)), join(store, 'aside', sha256));
	await contents.settle(laterMs, () => Promise.resolve(true));
	t.true(listFiles(store).some((name) => name.replaceAll('/', '') === sha256));
	t.is((await download(app, alice, DOWNLOAD + kept.path)).status, 200);
});
