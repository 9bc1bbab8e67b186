import {request as httpRequest} from 'node:http';
import test from 'ava';
import sharp from 'sharp';
import {path} from '../../../harness/index.ts';
import {upload} from '../client-server/media-requests.ts';
import {startHost} from './world.ts';

test('joins, knocks and invites of one server are counted together, and its other requests are not', async (t) => {
	const limits = {rate_limits: {'federation-membership': {per_second: 0.001, burst: 3}}};
	const host = await startHost(t, 2, () => limits);
	const [peer, other] = host.peers;
	const roomId = await host.createRoom();
	const bob = peer!.userId('bob');
	const join = (server: typeof peer) =>
		server!.request('GET', `/_matrix/federation/v1/make_join/${path(roomId)}/${path(server!.userId('bob'))}?ver=11`);
	const knock = await peer!.request('GET', `/_matrix/federation/v1/make_knock/${path(roomId)}/${path(bob)}?ver=11`);
	t.is(knock.status, 403, 'the room is open, and nobody knocks there');
	t.is((await join(peer)).status, 200);
	const invite = {room_version: '11', event: {}, invite_room_state: []};
	const invited = await peer!.request(
		'PUT',
		`/_matrix/federation/v2/invite/${path(roomId)}/${path(`$${'a'.repeat(43)}`)}`,
		{
			body: invite,
		},
	);
	t.is(invited.status, 400);
	const limited = await join(peer);
	t.deepEqual([limited.status, limited.body['errcode']], [429, 'M_LIMIT_EXCEEDED']);
	t.is((await join(other)).status, 200);
	// Who wants to leave can, and events go on.
	t.is((await peer!.request('GET', `/_matrix/federation/v1/make_leave/${path(roomId)}/${path(bob)}`)).status, 404);
	t.is((await peer!.send('t1', [])).status, 200);
});

test('a picture is given to another server in small; one that is not here, and a file that is none, are not', async (t) => {
	const {app, alice, peer} = await startHost(t);
	const picture = await sharp({create: {width: 400, height: 200, channels: 3, background: {r: 9, g: 9, b: 9}}})
		.png()
		.toBuffer();
	const idOf = async (content: Buffer | string): Promise<string> =>
		(await upload(app, alice, content, {name: 'a'})).path.split('/').at(-1)!;
	const ask = (mediaId: string, query = 'width=96&height=96&method=crop', options: object = {}) =>
		fetchSmall(app.url, peer, `/_matrix/federation/v1/media/thumbnail/${path(mediaId)}?${query}`, options);
	const id = await idOf(picture);
	const given = await ask(id);
	t.is(given.status, 200, given.text);
	t.regex(given.contentType, /^multipart\/mixed; boundary=/u);
	t.true(given.text.includes('\r\n\r\n{}\r\n') && /content-type: image\/jpeg/iu.test(given.text));
	t.is((await ask('nosuchmedia')).status, 404);
	t.is((await ask(await idOf('no picture'))).status, 400);
	t.is((await ask(id, 'width=x&height=96')).status, 400);
	t.is((await ask(id, undefined, {authorization: ''})).status, 401);
});

/** Asks for what is not JSON. */
async function fetchSmall(
	url: string,
	peer: {authorize(method: string, uri: string): string},
	uri: string,
	{authorization = peer.authorize('GET', uri)}: {readonly authorization?: string},
) {
	const reply = await fetch(url + uri, {headers: {authorization}});
	return {status: reply.status, contentType: reply.headers.get('content-type') ?? '', text: await reply.text()};
}

test('D3: a transaction larger than any may be is refused, however well it is signed, announced or in chunks', async (t) => {
	const {app, peer} = await startHost(t);
	const uri = '/_matrix/federation/v1/send/large';
	const text = JSON.stringify({pdus: [], padding: 'x'.repeat(12 * 1024 * 1024)});
	const announced = await peer.request('PUT', uri, {text});
	t.deepEqual([announced.status, announced.body['errcode']], [413, 'M_TOO_LARGE']);
	const {port} = new URL(app.url);
	const inChunks = await new Promise<number | undefined>((resolve, reject) => {
		const authorization = peer.authorize('PUT', uri, {text});
		const headers = {authorization, 'content-type': 'application/json', 'transfer-encoding': 'chunked'};
		const sending = httpRequest({port, method: 'PUT', path: uri, headers}, ({statusCode}) => resolve(statusCode));
		sending.on('error', reject);
		sending.end(text);
	});
	t.is(inChunks, 413);
	t.is((await peer.send('small', [])).status, 200);
});

test('F1: another server reaches no file by an id that is none', async (t) => {
	const {app, alice, peer} = await startHost(t);
	await upload(app, alice, 'kept', {name: 'a'});
	for (const id of ['..%2f..%2fetc', 'a%5cb', '..%5c..%5cwin.ini', '%252e%252e%252f', 'a%00b', '%2fetc%2fpasswd']) {
		for (const kind of ['download', 'thumbnail']) {
			const uri = `/_matrix/federation/v1/media/${kind}/${id}${kind === 'thumbnail' ? '?width=9&height=9' : ''}`;
			const {status, body} = await peer.request(kind === 'download' ? 'GET' : 'GET', uri);
			t.deepEqual([status, body['errcode']], [400, 'M_INVALID_PARAM'], uri);
		}
	}
});
