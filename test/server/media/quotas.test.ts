import {request as httpRequest} from 'node:http';
import {join} from 'node:path';
import test from 'ava';
import {type App, call, register, request, type Session, startApp, until} from '../../harness/index.ts';
import {startNeighbours} from '../../harness/signed-peer.ts';
import {DOWNLOAD, download, listFiles, png, THUMBNAIL, UPLOAD, upload} from '../api/client-server/media-requests.ts';

const KIB = 1024;
const CREATE = '/_matrix/media/v1/create';

/** Begins an upload of which only the head is sent, or pieces without a length; its answer comes all the same. */
function begin(app: App, {access_token: token}: Session, length: number | undefined, pieces: readonly Buffer[]) {
	return new Promise<{status: number | undefined; body: Record<string, unknown>}>((resolve, reject) => {
		const sent = httpRequest(app.url + UPLOAD, {
			method: 'POST',
			headers: {
				authorization: `Bearer ${token}`,
				...(length === undefined ? {'transfer-encoding': 'chunked'} : {'content-length': String(length)}),
			},
		});
		sent.on('error', reject);
		sent.on('response', (response) => {
			let text = '';
			response.on('data', (chunk) => (text += String(chunk)));
			response.on('end', () => {
				resolve({status: response.statusCode, body: JSON.parse(text) as Record<string, unknown>});
				sent.destroy();
			});
		});
		sent.flushHeaders();
		for (const piece of pieces) sent.write(piece);
	});
}

test('F6: a person keeps so much and no more, told before a byte is read where the length is known', async (t) => {
	const app = await startApp(t, {
		config: {
			media: {quota_per_user: '100KiB'},
			support: {support_page: 'https://news.example/help', contacts: []},
		},
	});
	const alice = await register(app, 'alice');
	const bob = await register(app, 'bobby');
	t.is((await upload(app, alice, Buffer.alloc(60 * KIB))).status, 200);
	const announced = await begin(app, alice, 60 * KIB, []);
	t.is(announced.status, 403);
	t.like(announced.body, {errcode: 'M_USER_LIMIT_EXCEEDED', info_uri: 'https://news.example/help'});
	const streamed = await begin(app, alice, undefined, [Buffer.alloc(30 * KIB), Buffer.alloc(30 * KIB)]);
	t.is(streamed.status, 403);
	t.is(streamed.body['errcode'], 'M_USER_LIMIT_EXCEEDED');
	await until(() => listFiles(join(app.directory, 'data', 'media')).length === 1, 'no rest of what was refused');
	const {content_uri: uri} = await call<{content_uri: string}>(app, 'POST', CREATE, {token: alice.access_token});
	const path = UPLOAD + uri.slice('mxc:/'.length);
	t.is(
		(await upload(app, alice, Buffer.alloc(41 * KIB), {path})).status,
		403,
		'an id handed out before is no way round',
	);
	t.is((await upload(app, alice, Buffer.alloc(40 * KIB), {path})).status, 200, 'what is left may be used to its end');
	t.is((await upload(app, alice, 'x')).status, 403);
	t.is((await upload(app, bob, Buffer.alloc(100 * KIB))).status, 200, 'others have their own');
	t.is((await request(app, 'POST', UPLOAD)).status, 401);
	const {application} = app;
	t.is(await application.storage.media.countUsage('uploader', alice.user_id as never), 100 * KIB);
});

test('E13: uploads at once do not add up to more than a person may keep', async (t) => {
	const app = await startApp(t, {config: {media: {quota_per_user: '100KiB'}}});
	const alice = await register(app, 'alice');
	const answers = await Promise.all(
		Array.from({length: 8}, (_, index) => upload(app, alice, Buffer.alloc(30 * KIB, `${index}`))),
	);
	const statuses = answers.map(({status}) => status);
	const kept = statuses.filter((status) => status === 200).length;
	t.true(kept >= 1 && kept <= 3, String(statuses));
	t.true(statuses.every((status) => status === 200 || status === 403));
	t.is(await app.application.storage.media.countUsage('uploader', alice.user_id as never), kept * 30 * KIB);
});

test('F6: files that come leave part of the disk free for the database, and those that are there are given', async (t) => {
	const bsize = 4 * KIB;
	const disk = {bavail: 0, blocks: 0, bsize};
	/** A disk of so many bytes, of which so many are left. */
	const leave = (sizeBytes: number, freeBytes: number) =>
		Object.assign(disk, {blocks: sizeBytes / bsize, bavail: freeBytes / bsize});
	const app = await startApp(t, {readSpace: () => Promise.resolve(disk)});
	const alice = await register(app, 'alice');
	leave(KIB ** 4, KIB ** 3);
	const kept = await upload(app, alice, 'kept');
	t.is(kept.status, 200);
	const picture = await upload(app, alice, png);
	const reserved = await call<{content_uri: string}>(app, 'POST', CREATE, {token: alice.access_token});
	const path = UPLOAD + reserved.content_uri.slice('mxc:/'.length);
	const floors: [string, number, number][] = [
		['of a large disk 64 MiB', KIB ** 4, 64 * KIB ** 2],
		['of a small one 2 %', 1000 * KIB ** 2, 20 * KIB ** 2],
	];
	for (const [what, sizeBytes, floorBytes] of floors) {
		leave(sizeBytes, floorBytes - bsize);
		const before = listFiles(join(app.directory, 'data', 'media'));
		for (const refused of [await upload(app, alice, what), await upload(app, alice, what, {path})]) {
			t.is(refused.status, 507, what);
			t.like(refused.body, {errcode: 'M_UNKNOWN', error: 'This server has no room for more files just now'});
		}
		t.is((await download(app, alice, `${THUMBNAIL}${picture.path}?width=32&height=32`)).status, 507);
		t.deepEqual(listFiles(join(app.directory, 'data', 'media')), before, 'no rest of what was refused');
		t.is(String((await download(app, alice, DOWNLOAD + kept.path)).content), 'kept');
		leave(sizeBytes, floorBytes);
		t.is((await upload(app, alice, what)).status, 200, what);
	}
	t.is((await upload(app, alice, 'later', {path})).status, 200, 'an id that was handed out waits for room');
	t.is((await download(app, alice, `${THUMBNAIL}${picture.path}?width=32&height=32`)).status, 200);
});

test('F6: one server cannot fill the cache in a day, and the files of others come all the same', async (t) => {
	const {app, peers} = await startNeighbours(t, 2, () => ({media: {max_upload: '100KiB', remote_cache: '400KiB'}}));
	const [greedy, modest] = peers;
	for (const peer of peers) {
		peer.answer = ({url}) =>
			url.includes('/media/download/')
				? {
						headers: {'content-type': 'multipart/mixed; boundary=abc'},
						body: `--abc\r\n\r\n{}\r\n--abc\r\nContent-Type: text/plain\r\n\r\n${'x'.repeat(60 * KIB)}\r\n--abc--\r\n`,
					}
				: undefined;
	}
	const alice = await register(app, 'alice');
	const get = async (name: string, mediaId: string) => {
		const {status, content} = await download(app, alice, `${DOWNLOAD}/${name}/${mediaId}`);
		return status === 200 ? 200 : `${status} ${(JSON.parse(String(content)) as {errcode: string}).errcode}`;
	};
	t.is(await get(greedy!.name, 'one'), 200);
	t.is(await get(greedy!.name, 'two'), '429 M_LIMIT_EXCEEDED', 'its share ends on the way');
	const asked = greedy!.requests.length;
	t.is(await get(greedy!.name, 'three'), '429 M_LIMIT_EXCEEDED');
	t.is(greedy!.requests.length, asked, 'it is not asked again');
	t.is(await get(greedy!.name, 'one'), 200, 'what is here is given');
	t.is(await get(modest!.name, 'one'), 200);
	app.advance(86_400_000);
	t.is(await get(greedy!.name, 'two'), 200, 'a day later more may come');
	t.is(listFiles(join(app.directory, 'data', 'media')).length, 1, 'equal contents share a file');
});
