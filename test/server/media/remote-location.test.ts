import test, {type ExecutionContext} from 'ava';
import {startPeer, type PeerAnswer, type PeerRequest} from '../../harness/peer.ts';
import {createTestAuthority} from '../../harness/tls.ts';
import {register, request, until} from '../../harness/index.ts';
import {startNeighbours} from '../../harness/signed-peer.ts';
import {DOWNLOAD, download, listFiles} from '../api/client-server/media-requests.ts';

/** An answer whose second part says where the medium is. */
function elsewhere(location: string): PeerAnswer {
	const body = `--abc\r\nContent-Type: application/json\r\n\r\n{}\r\n--abc\r\nLocation: ${location}\r\n\r\n\r\n--abc--\r\n`;
	return {headers: {'content-type': 'multipart/mixed; boundary=abc'}, body};
}

/** A server with one partner, which keeps its media at a third place. */
async function startWorld(t: ExecutionContext, handle: (request: PeerRequest) => PeerAnswer, config = {}) {
	const {app, peers, authority} = await startNeighbours(t, 1, () => config);
	const [peer] = peers;
	const place = await startPeer({keyPair: authority.issue(['127.0.0.1', 'localhost']), handle, address: '127.0.0.1'});
	t.teardown(() => place.stop());
	const alice = await register(app, 'alice');
	let count = 0;
	return {
		app,
		alice,
		peer: peer!,
		place,
		/** Downloads a medium for which the partner names a place. */
		fetchFrom: (location: string) => {
			peer!.answer = ({url}) => (url.includes('/media/download/') ? elsewhere(location) : undefined);
			count += 1;
			return download(app, alice, `${DOWNLOAD}/${peer!.name}/medium${count}`);
		},
	};
}

test('a medium that its server keeps elsewhere is fetched there, as by nobody, and kept here', async (t) => {
	const content = Buffer.alloc(300_000, 'elsewhere ');
	const {peer, place, fetchFrom, app, alice} = await startWorld(
		t,
		({url}): PeerAnswer =>
			url.startsWith('/moved')
				? {status: 307, headers: {location: '/file'}}
				: {headers: {'content-type': 'image/png', 'content-disposition': 'inline; filename="a.png"'}, body: content},
	);
	const got = await fetchFrom(`https://${place.name}/moved?signature=x`);
	t.is(got.status, 200);
	t.true(got.content.equals(content));
	t.is(got.headers.get('content-type'), 'image/png');
	t.is(got.headers.get('content-disposition'), 'inline; filename="a.png"');
	t.deepEqual(
		place.requests.map(({url}) => url),
		['/moved?signature=x', '/file'],
	);
	for (const {headers} of place.requests) {
		t.deepEqual(Object.keys(headers).toSorted(), ['accept', 'accept-encoding', 'connection', 'host', 'user-agent']);
	}
	const asked = peer.requests.length;
	t.is((await download(app, alice, `${DOWNLOAD}/${peer.name}/medium1`)).status, 200);
	t.is(peer.requests.length, asked, 'nobody is asked twice');
	await until(() => place.openConnectionCount() === 0, 'no connection to stay open');
});

test('D2: no server sends us to http, to private addresses, to credentials or round in circles', async (t) => {
	const trap = await startPeer({
		keyPair: createTestAuthority().issue(['127.0.0.1']),
		handle: () => ({}),
		address: '127.0.0.1',
	});
	t.teardown(() => trap.stop());
	const {place, fetchFrom, peer} = await startWorld(
		t,
		({url}): PeerAnswer => ({
			status: 302,
			headers: {location: url.startsWith('/to?') ? decodeURIComponent(url.slice('/to?'.length)) : url},
		}),
	);
	const locations = [
		`http://${place.name}/`,
		`https://user:password@${place.name}/`,
		`https://169.254.169.254/latest/meta-data`,
		'https://10.0.0.1/',
		'https://[::1]/',
		`https://[::ffff:7f00:1]:${trap.port}/`,
		'file:///etc/passwd',
		'data:,x',
		'/media/abc',
		'',
		`https://${place.name}/${'x'.repeat(9000)}`,
		`https://127.0.0.1:${trap.port}/`,
	];
	for (const location of locations.slice(0, -1)) t.is((await fetchFrom(location)).status, 502, location);
	t.is(place.requests.length + trap.connectionCount(), 0, 'none of them is asked');
	for (const location of locations.slice(0, 6)) {
		const hop = `https://${place.name}/to?${encodeURIComponent(location)}`;
		t.is((await fetchFrom(hop)).status, 502, hop);
	}
	t.is(place.requests.length, 6);
	t.is((await fetchFrom(`https://${place.name}/circle`)).status, 502);
	t.is((await fetchFrom(locations.at(-1)!)).status, 502, 'a certificate is needed there too');
	t.is(trap.requests.length, 0);
	t.true(peer.requests.every(({method}) => method === 'GET'));
});

test('F7: what is missing, too large or cut off at the other place leaves nothing here', async (t) => {
	const {place, fetchFrom, app} = await startWorld(
		t,
		({url}): PeerAnswer => {
			if (url === '/gone') return {status: 404};
			if (url === '/broken') return {status: 500};
			if (url === '/announced') return {body: Buffer.alloc(102_401)};
			if (url === '/encoded') return {headers: {'content-encoding': 'gzip'}, body: 'x'};
			if (url === '/short') return {headers: {'content-length': '9'}, body: (write) => void write('x')};
			return {
				body(write, end) {
					for (let part = 0; part < 4; part += 1) write(Buffer.alloc(50_000));
					end();
				},
			};
		},
		{media: {max_upload: '100KiB'}},
	);
	t.is((await fetchFrom(`https://${place.name}/gone`)).status, 404);
	for (const path of ['broken', 'encoded', 'announced', 'endless']) {
		const {status, content} = await fetchFrom(`https://${place.name}/${path}`);
		t.is(status, 502, path);
		const isLarge = path === 'announced' || path === 'endless';
		t.is((JSON.parse(String(content)) as {errcode: string}).errcode, isLarge ? 'M_TOO_LARGE' : 'M_UNKNOWN', path);
	}
	const cut = fetchFrom(`https://${place.name}/short`);
	await until(() => place.requests.some(({url}) => url === '/short'), 'the place to be asked');
	await place.dropConnections();
	t.is((await cut).status, 502);
	t.deepEqual(listFiles(`${app.directory}/data/media`), []);
	t.is((await request(app, 'GET', `${DOWNLOAD}/news.example/unknown`)).status, 401);
});

test('F3: what another server says a file is does not make it one that is shown in place', async (t) => {
	const {app, peer, alice} = await startWorld(t, () => ({}));
	const types: [string, string][] = [
		['text/html', 'attachment'],
		['image/svg+xml', 'attachment'],
		['text/xml', 'attachment'],
		['image/png\r\nx-evil: 1', 'attachment'],
		['image/png', 'inline'],
	];
	for (const [index, [type, disposition]] of types.entries()) {
		const part = `--abc\r\nContent-Type: ${type}\r\nContent-Disposition: inline; filename="a.html"\r\n\r\n<script>`;
		const body = `--abc\r\nContent-Type: application/json\r\n\r\n{}\r\n${part}\r\n--abc--\r\n`;
		const headers = {'content-type': 'multipart/mixed; boundary=abc'};
		peer.answer = ({url}) => (url.includes('/media/download/') ? {headers, body} : undefined);
		const got = await download(app, alice, `${DOWNLOAD}/${peer.name}/typed${index}`);
		t.is(got.status, 200, type);
		if (type.includes('\r\n')) t.is(got.headers.get('x-evil'), null);
		else t.regex(got.headers.get('content-disposition') ?? '', new RegExp(`^${disposition};`), type);
		t.is(got.headers.get('x-content-type-options'), 'nosniff');
		t.true(got.headers.get('content-security-policy')?.startsWith("sandbox; default-src 'none'"), type);
	}
});
