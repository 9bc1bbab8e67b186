import {Readable} from 'node:stream';
import {buffer} from 'node:stream/consumers';
import test from 'ava';
import {content, type HttpResponse} from '../../../server/http/index.ts';
import {v} from '../../../server/validation/index.ts';
import {route, startTestServer, type TestServices} from './fixture.ts';

/** Numbers the objects that a handler was given. */
const given = new Map<object, number>();
function numberOf(body: object): number {
	given.set(body, given.get(body) ?? given.size + 1);
	return given.get(body)!;
}

const routes = [
	route({
		id: 'put',
		method: 'PUT',
		path: '/put',
		auth: 'none',
		body: v.any(),
		bodyBytesMax: 2_000_000,
		handle: ({body}) => ({type: typeof body}),
	}),
	route({
		id: 'post',
		method: 'POST',
		path: '/post',
		auth: 'none',
		body: v.object({
			reason: v.optional(v.string({max: 10})),
			events: v.optional(v.array(v.object({type: v.string()}))),
			limit: v.optional(v.integer({min: 0})),
		}),
		handle: ({body}) => ({keys: Object.keys(body), reason: body.reason ?? null}),
	}),
	route({
		id: 'again',
		method: 'POST',
		path: '/again',
		auth: 'none',
		body: v.object({name: v.string({max: 10})}),
		bodyBytesMax: 200_000,
		remembersBodies: true,
		handle: ({body}) => ({name: body.name, number: numberOf(body)}),
	}),
	route({
		id: 'released',
		method: 'POST',
		path: '/released',
		auth: 'none',
		body: v.object({name: v.string()}),
		releasesBody: true,
		async handle(request) {
			const {body} = request;
			const text = request.bodyText();
			await Promise.resolve();
			return {name: body.name, text, isHeld: [request.body as unknown, request.bodyText()].some(Boolean)};
		},
	}),
	route({
		id: 'small',
		method: 'POST',
		path: '/small',
		auth: 'none',
		body: v.any(),
		bodyBytesMax: 100,
		handle: () => ({}),
	}),
	route({
		id: 'query',
		method: 'GET',
		path: '/query',
		auth: 'none',
		query: v.object({
			limit: v.optional(v.integer({min: 0, max: 100})),
			full_state: v.optional(v.boolean()),
			via: v.optional(v.array(v.string())),
			from: v.string(),
		}),
		handle: ({query}) => ({...query}),
	}),
	route({
		id: 'form',
		method: 'POST',
		path: '/form',
		auth: 'none',
		bodyFormat: 'form',
		body: v.object({username: v.string({max: 20}), remember: v.optional(v.boolean())}),
		handle: ({body}) => ({...body}),
	}),
	route({
		id: 'upload',
		method: 'POST',
		path: '/upload',
		auth: 'none',
		upload: true,
		handle: async ({openBody}, {seen}) => {
			const bytes = await buffer(openBody(200_000));
			seen.push(bytes.length);
			return {size: bytes.length};
		},
	}),
	route({
		id: 'download',
		method: 'GET',
		path: '/download',
		auth: 'none',
		handle: () => content('text/plain', Readable.from(['one ', 'two']), {headers: {etag: '"1"'}}),
	}),
	route<'/broken', 'none'>({
		id: 'broken',
		method: 'GET',
		path: '/broken',
		auth: 'none',
		handle: (_request, {seen}: TestServices): HttpResponse => {
			seen.push('called');
			throw new TypeError('a text with secret contents');
		},
	}),
];

test('A1, A6: what is no JSON in UTF-8 is 400 M_NOT_JSON', async (t) => {
	const server = await startTestServer(t, routes);
	const bad: (string | Buffer)[] = [
		'{',
		'{"a":NaN}',
		'{"a":Infinity}',
		"{'a':1}",
		'{"a":1,}',
		'',
		'\u{FEFF}{}',
		Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
		'{"a":"\u0000"}',
	];
	for (const text of bad) {
		const answer = await server.send('PUT', '/put', {text});
		t.deepEqual([answer.status, answer.body['errcode']], [400, 'M_NOT_JSON'], JSON.stringify(text));
	}
});

test('A1, A6: numbers beyond a double and lone surrogates are 400, NUL and fractions pass', async (t) => {
	const server = await startTestServer(t, routes);
	for (const text of ['{"a":1e400}', '[-1e999]', '{"a":"\\ud800"}', '{"\\udc00":1}']) {
		const answer = await server.send('PUT', '/put', {text});
		t.is(answer.status, 400, text);
		t.true(['M_NOT_JSON', 'M_BAD_JSON'].includes(String(answer.body['errcode'])), text);
	}
	for (const text of ['{"a":"\\u0000"}', '{"order":0.5}', '{"a":"\\ud83d\\ude00"}']) {
		t.is((await server.send('PUT', '/put', {text})).status, 200, text);
	}
});

test('A7: nesting of a thousand, a hundred thousand and a million levels is 400, and the server goes on', async (t) => {
	const server = await startTestServer(t, routes);
	for (const depth of [101, 1000, 100_000, 990_000]) {
		for (const text of [
			'['.repeat(depth) + ']'.repeat(depth),
			'{"a":'.repeat(depth / 5) + '1' + '}'.repeat(depth / 5),
		]) {
			const answer = await server.send('PUT', '/put', {text});
			if (depth > 500) {
				t.is(answer.status, 400);
				t.true(['M_NOT_JSON', 'M_BAD_JSON'].includes(String(answer.body['errcode'])));
			}
		}
	}
	t.is((await server.send('PUT', '/put', {text: '['.repeat(50) + ']'.repeat(50)})).status, 200);
});

test('A8: a body over the limit is 413 M_TOO_LARGE, with a length or in chunks', async (t) => {
	const server = await startTestServer(t, routes);
	const text = JSON.stringify('x'.repeat(200_000));
	const announced = await server.send('POST', '/small', {text});
	t.deepEqual([announced.status, announced.body['errcode']], [413, 'M_TOO_LARGE']);
	const connection = await server.open();
	connection.socket.write('POST /small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
	connection.socket.write(`c8\r\n${'x'.repeat(200)}\r\n`);
	t.regex(await connection.until(/errcode/u), /^HTTP\/1\.1 413 [^]*M_TOO_LARGE/u);
});

test('a wrong type is 400 M_BAD_JSON that names where it stands', async (t) => {
	const server = await startTestServer(t, routes);
	const cases: [unknown, RegExp][] = [
		[[], /The value is wrong: expected an object/u],
		['text', /expected an object/u],
		[null, /expected an object/u],
		[{reason: 5}, /'reason' is wrong: expected a string/u],
		[{reason: null}, /'reason' is wrong/u],
		[{reason: 'x'.repeat(11)}, /'reason' is wrong/u],
		[{events: {}}, /'events' is wrong: expected an array/u],
		[{events: [{type: 'm.x'}, {type: 1}]}, /'events\[1\]\.type' is wrong/u],
		[{events: [{}]}, /'events\[0\]\.type' is missing/u],
		[{limit: 1.5}, /'limit' is wrong/u],
		[{limit: -1}, /'limit' is wrong/u],
		[{limit: '1'}, /'limit' is wrong/u],
	];
	for (const [body, text] of cases) {
		const answer = await server.send('POST', '/post', {body});
		t.deepEqual([answer.status, answer.body['errcode']], [400, 'M_BAD_JSON'], JSON.stringify(body));
		t.regex(String(answer.body['error']), text);
	}
});

test('unknown keys are kept, keys of Object.prototype are nobody, and no body is the empty object', async (t) => {
	const server = await startTestServer(t, routes);
	const kept = await server.send('POST', '/post', {
		text: '{"org.example.x":1,"constructor":5,"__proto__":{"reason":"r"}}',
	});
	t.deepEqual(kept.body, {keys: ['org.example.x', 'constructor', '__proto__'], reason: null});
	const empty = await server.send('POST', '/post');
	t.deepEqual(empty.body, {keys: [], reason: null});
});

test('E14: a query is read by its declared types, and what is wrong is 400 M_INVALID_PARAM', async (t) => {
	const server = await startTestServer(t, routes);
	const good = await server.send('GET', '/query?from=a%20b&limit=5&full_state=true&via=x&via=y&other=1');
	t.deepEqual(good.body, {from: 'a b', limit: 5, full_state: true, via: ['x', 'y']});
	const missing = await server.send('GET', '/query');
	t.deepEqual([missing.status, missing.body['errcode']], [400, 'M_MISSING_PARAM']);
	for (const bad of ['limit=x', 'limit=-1', 'limit=9223372036854775808', 'limit=1.5', 'limit=', 'full_state=1']) {
		const answer = await server.send('GET', `/query?from=a&${bad}`);
		t.deepEqual([answer.status, answer.body['errcode']], [400, 'M_INVALID_PARAM'], bad);
	}
});

test('the form of a page is read by its declared fields', async (t) => {
	const server = await startTestServer(t, routes);
	const good = await server.send('POST', '/form', {text: 'username=a%26b+%C3%A9&remember=true&other=1'});
	t.deepEqual(good.body, {username: 'a&b é', remember: true});
	for (const text of ['', 'username=' + 'x'.repeat(21), '{"username":"a"}', 'remember=true']) {
		const answer = await server.send('POST', '/form', {text});
		t.is(answer.status, 400, text);
	}
});

test('compressed bodies are refused rather than misread', async (t) => {
	const server = await startTestServer(t, routes);
	const answer = await server.send('PUT', '/put', {text: '{}', headers: {'content-encoding': 'gzip'}});
	t.is(answer.status, 415);
});

test('Expect: 100-continue is answered when the body is wanted, and not before a refusal', async (t) => {
	const server = await startTestServer(t, routes);
	const wanted = await server.open();
	wanted.socket.write('PUT /put HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n');
	await wanted.until(/100 Continue/u);
	wanted.socket.write('{}');
	t.regex(await wanted.until(/"type"/u), /200 OK/u);
	const refused = await server.open();
	refused.socket.write('POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\nExpect: 100-continue\r\n\r\n');
	const text = await refused.until(/M_TOO_LARGE/u);
	t.false(text.includes('100 Continue'));
});

test('an upload is read as a stream and cut off at its limit', async (t) => {
	const server = await startTestServer(t, routes);
	const good = await server.send('POST', '/upload', {text: Buffer.alloc(200_000)});
	t.deepEqual(good.body, {size: 200_000});
	const announced = await server.send('POST', '/upload', {text: Buffer.alloc(200_001)});
	t.deepEqual([announced.status, announced.body['errcode']], [413, 'M_TOO_LARGE']);
	const connection = await server.open();
	connection.socket.write('POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
	for (let index = 0; index < 4; index++) {
		connection.socket.write(`10000\r\n${'x'.repeat(0x10000)}\r\n`);
	}
	t.regex(await connection.until(/errcode/u), /413 [^]*M_TOO_LARGE/u);
	t.deepEqual(server.seen, [200_000]);
});

test('A8: a body that does not arrive in time is 408, and an upload that trickles is', async (t) => {
	const server = await startTestServer(t, routes, {options: {pace: {bodyTimeMsMax: 30, uploadWindowMs: 30}}});
	for (const path of ['/post', '/upload']) {
		const connection = await server.open();
		connection.socket.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{`);
		t.regex(await connection.until(/errcode/u), /^HTTP\/1\.1 408 /u, path);
	}
	t.is((await server.send('POST', '/post', {body: {}})).status, 200);
});

test('a stream is sent with its type and headers', async (t) => {
	const server = await startTestServer(t, routes);
	const answer = await server.send('GET', '/download');
	t.deepEqual([answer.text, answer.headers['content-type'], answer.headers['etag']], ['one two', 'text/plain', '"1"']);
	t.is((await server.send('HEAD', '/download')).text, '');
});

test('an unexpected failure is 500 M_UNKNOWN with an id, and neither answer nor log quote it', async (t) => {
	const server = await startTestServer(t, routes);
	const answer = await server.send('GET', '/broken');
	t.deepEqual([answer.status, answer.body['errcode']], [500, 'M_UNKNOWN']);
	const [, entry] = server.seen as [unknown, {fields: {errorId: string; operation: string; kind: string}}];
	t.true(String(answer.body['error']).includes(entry.fields.errorId));
	t.deepEqual([entry.fields.operation, entry.fields.kind], ['broken', 'TypeError']);
	t.false(JSON.stringify([answer, entry]).includes('secret'));
});

test('a body that comes again is read once where the route says so, and what is refused is refused each time', async (t) => {
	const server = await startTestServer(t, routes);
	const post = async (body: string) => {
		const response = await fetch(`${server.url}/again`, {method: 'POST', body});
		return {status: response.status, answer: (await response.json()) as Record<string, unknown>};
	};
	const first = await post('{"name":"ä"}');
	t.deepEqual(first, {status: 200, answer: {name: 'ä', number: first.answer['number']}});
	t.deepEqual(await post('{"name":"ä"}'), first);
	const other = await post('{"name": "ä"}');
	t.is(other.answer['name'], 'ä');
	t.not(other.answer['number'], first.answer['number'], 'other bytes are read by themselves');
	for (let times = 0; times < 2; times += 1) {
		t.is((await post('{"name":5}')).status, 400);
		t.is((await post('{"name"')).answer['errcode'], 'M_NOT_JSON');
	}
	const long = `{"name":"b","rest":"${'x'.repeat(20_000)}"}`;
	t.not((await post(long)).answer['number'], (await post(long)).answer['number'], 'long bodies are not held');
});

test('a handler that has taken its body leaves nothing of it in the request, where the route says so', async (t) => {
	const server = await startTestServer(t, routes);
	const response = await fetch(`${server.url}/released`, {method: 'POST', body: '{"name": "a"}'});
	t.deepEqual(await response.json(), {name: 'a', text: '{"name": "a"}', isHeld: false});
});
