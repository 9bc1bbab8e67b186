import test from 'ava';
import {array, assert, constantFrom, property} from 'fast-check';
import {
	canonicalJson,
	generateSigningKey,
	type JsonObject,
	type JsonValue,
	LosslessNumber,
	readJson,
	type ServerName,
	type SigningKey,
	verifySignedJson,
} from '../../../crypto/index.ts';
import {
	buildAuthorization,
	type InboundRequest,
	parseAuthorization,
	type RequestVerdict,
	verifyRequest,
} from '../../../federation/outbound/index.ts';
import {processorTime} from '../../harness/processor-time.ts';
import {readShared} from '../../harness/index.ts';

const origin = 'origin.hs.example.com' as ServerName;
const destination = 'destination.hs.example.com' as ServerName;
const key = generateSigningKey({version: 'key1'});
const otherKey = generateSigningKey({version: 'key2'});

const EXAMPLE =
	'X-Matrix origin="origin.hs.example.com",destination="destination.hs.example.com",key="ed25519:key1",sig="ABCDEF..."';
const PARSED = {origin, destination, key: 'ed25519:key1', sig: 'ABCDEF...'};

test("the specification's example is read and written", (t) => {
	const vectors = readShared('spec/test-vectors.json');
	if (vectors !== undefined) t.is(JSON.parse(vectors.toString()).xMatrixHeader.example, EXAMPLE);
	t.deepEqual(parseAuthorization(EXAMPLE), PARSED);
	const written = buildAuthorization({method: 'GET', uri: '/a', origin, destination}, key);
	t.regex(
		written,
		/^X-Matrix origin="origin\.hs\.example\.com",destination="destination\.hs\.example\.com",key="ed25519:key1",sig="[A-Za-z0-9+/]{86}"$/,
	);
});

const TOLERATED = {
	'any order':
		'X-Matrix sig="ABCDEF...",key="ed25519:key1",destination="destination.hs.example.com",origin="origin.hs.example.com"',
	'names in any case': EXAMPLE.replace('origin=', 'ORIGIN=').replace('key=', 'Key='),
	'the scheme in any case': EXAMPLE.replace('X-Matrix', 'x-matrix'),
	'several spaces after the scheme': EXAMPLE.replace('X-Matrix ', 'X-Matrix    '),
	'spaces and tabs around commas': EXAMPLE.replaceAll(',', ' \t, \t'),
	'unquoted tokens': EXAMPLE.replaceAll('"', ''),
	'unquoted values with colons': EXAMPLE.replace('"ed25519:key1"', 'ed25519:key1'),
	'backslash escapes': EXAMPLE.replace('"ed25519:key1"', '"ed25519\\:k\\ey1"'),
	'unknown parameters': `${EXAMPLE},realm="a, \\"b\\"",x=y`,
	'empty elements': `${EXAMPLE.replace(',', ',,')},`,
};

test('the parser is as tolerant as the specification asks', (t) => {
	for (const [what, header] of Object.entries(TOLERATED)) t.deepEqual(parseAuthorization(header), PARSED, what);
	const withoutDestination = EXAMPLE.replace('destination="destination.hs.example.com",', '');
	t.deepEqual(parseAuthorization(withoutDestination), {...PARSED, destination: undefined});
	const port = EXAMPLE.replace('"origin.hs.example.com"', '[::1]:8448').replace('[::1]', 'a');
	t.is(parseAuthorization(port)?.origin, 'a:8448');
});

test('what is no X-Matrix header is refused', (t) => {
	const headers = [
		'',
		'X-Matrix',
		'X-Matrix ',
		'X-Matrix=',
		`Bearer ${EXAMPLE}`,
		EXAMPLE.replace('X-Matrix', 'X-Matrixx'),
		'X-Matrix origin',
		'X-Matrix origin=',
		'X-Matrix origin="a',
		'X-Matrix origin="a\\',
		'X-Matrix origin="a",key="b"',
		EXAMPLE.replace('",', '" '),
		EXAMPLE.replace('",', '";'),
		`${EXAMPLE},origin="evil.example"`,
		`${EXAMPLE},Origin="evil.example"`,
		EXAMPLE.replace('"ABCDEF..."', '""x'),
		EXAMPLE.replace('origin=', '"origin"='),
		`${EXAMPLE},${'x="y",'.repeat(2000)}z=z`,
	];
	for (const header of headers) t.is(parseAuthorization(header), undefined, header.slice(0, 100));
});

test('no text makes the parser throw or take long', (t) => {
	const parts = constantFrom(
		'X-Matrix ',
		'origin',
		'sig',
		'key',
		'=',
		'"',
		'\\',
		',',
		' ',
		'\t',
		'a',
		':',
		'\u0000',
		'"x"',
	);
	assert(
		property(array(parts, {maxLength: 60}), (texts) => {
			const parsed = parseAuthorization(texts.join(''));
			return parsed === undefined || typeof parsed.origin === 'string';
		}),
		{seed: 1, numRuns: 2000},
	);
	const start = processorTime();
	for (const bomb of ['\\"', '",', 'a=', ' ', '"']) parseAuthorization(`X-Matrix origin="${bomb.repeat(2000)}`);
	t.true(processorTime() - start < 500);
});

interface Change {
	readonly request?: Partial<InboundRequest>;
	readonly signed?: {
		readonly origin?: string;
		readonly destination?: string;
		readonly method?: string;
		readonly uri?: string;
	};
	readonly keys?: Readonly<Record<string, SigningKey>>;
	readonly allowed?: boolean;
	readonly body?: JsonValue;
	readonly signer?: SigningKey;
	readonly asked?: string[];
}

/** Signs a request as `origin` does, lets it be changed on the way, and asks `destination` what it thinks. */
function judge({
	request = {},
	signed = {},
	keys = {'ed25519:key1': key},
	allowed = true,
	body,
	signer = key,
	asked = [],
}: Change): Promise<RequestVerdict> {
	const method = body === undefined ? 'GET' : 'PUT';
	const uri = '/_matrix/federation/v1/send/1?x=%2F';
	const canonicalBody = body === undefined ? undefined : canonicalJson(body);
	const header = buildAuthorization(
		{method, uri, origin, destination, canonicalBody, ...signed} as Parameters<typeof buildAuthorization>[0],
		signer,
	);
	return verifyRequest(
		{method, uri, authorization: [header], content: body, ...request},
		{
			serverName: destination,
			isAllowed: () => allowed,
			findRequestKey: (server, keyId) => {
				asked.push(`${server} ${keyId}`);
				return Promise.resolve(server === origin ? keys[keyId]?.publicKey : undefined);
			},
		},
	);
}

const authentic = {isAuthentic: true, origin} as const;
const refused = (fault: string): object => ({isAuthentic: false, fault});

test('a request that the origin signed for us is authentic', async (t) => {
	t.deepEqual(await judge({}), authentic);
	t.deepEqual(await judge({body: {}}), authentic);
	const body: JsonObject = {'＀': 1, '😀': {b: [1, 'é', null, true], a: -5}, pdus: []};
	t.deepEqual(await judge({body}), authentic);
	t.deepEqual(await judge({body: {float: new LosslessNumber('1.5')}}), authentic);
});

test('what is signed is what the specification says', (t) => {
	const body: JsonObject = {b: 1, a: 2};
	const header = buildAuthorization(
		{method: 'PUT', uri: '/x', origin, destination, canonicalBody: canonicalJson(body)},
		key,
	);
	const sig = parseAuthorization(header)?.sig ?? '';
	const signed = {
		method: 'PUT',
		uri: '/x',
		origin,
		destination,
		content: body,
		signatures: {[origin]: {[key.keyId]: sig}},
	};
	t.true(verifySignedJson(signed, origin, key.keyId, key.publicKey));
});

test('any change of a signed request is noticed', async (t) => {
	const body = {a: 1};
	t.deepEqual(await judge({body, request: {method: 'POST'}}), refused('bad_signature'));
	t.deepEqual(await judge({body, request: {uri: '/_matrix/federation/v1/send/1?x=/'}}), refused('bad_signature'));
	t.deepEqual(await judge({body, request: {content: {a: 2}}}), refused('bad_signature'));
	t.deepEqual(await judge({body, request: {content: undefined}}), refused('bad_signature'));
	t.deepEqual(await judge({request: {content: {}}}), refused('bad_signature'));
	t.deepEqual(await judge({signer: generateSigningKey({version: 'key1'})}), refused('bad_signature'));
});

test('A7: what our reader does not take in whole is known by the bytes that were sent', async (t) => {
	const text = `{"pdus":[${'['.repeat(2_000)}${']'.repeat(2_000)},{"a":1e400},"\\ud800"]}`;
	const {value, defects} = readJson(text);
	t.true(defects.length > 0);
	const bytes = Buffer.from(` ${text}\n`);
	const uri = '/_matrix/federation/v1/send/1';
	const header = buildAuthorization({method: 'PUT', uri, origin, destination, canonicalBody: text}, key);
	const ask = (content: JsonValue, sent?: InboundRequest['sent']) =>
		judge({request: {method: 'PUT', uri, authorization: [header], content, sent}});
	t.deepEqual(await ask(value, {bytes, hasDefects: true}), authentic);
	t.deepEqual(await ask(value, {bytes: Buffer.from('{}'), hasDefects: true}), refused('bad_signature'));
	// Without defects nothing but the canonical form counts, however the bytes are written.
	t.deepEqual(await ask({}, {bytes, hasDefects: false}), refused('bad_signature'));
	t.deepEqual(await ask({a: new LosslessNumber('1e400')}), refused('malformed'));
});

test('B8: a request for another server, and one that says for none, is refused without a key being fetched', async (t) => {
	const asked: string[] = [];
	t.deepEqual(await judge({signed: {destination: 'third.example'}, asked}), refused('wrong_destination'));
	t.deepEqual(await judge({signed: {destination: destination.toUpperCase()}, asked}), refused('wrong_destination'));
	const header = buildAuthorization({method: 'GET', uri: '/', origin, destination}, key);
	const without = header.replace(/destination="[^"]*",/, '');
	t.deepEqual(await judge({request: {authorization: [without]}, asked}), refused('wrong_destination'));
	t.deepEqual(asked, []);
});

test('B8: who says to be ourselves, or may not talk with us, is refused without a key being fetched', async (t) => {
	const asked: string[] = [];
	t.deepEqual(await judge({signed: {origin: destination}, asked}), refused('own_origin'));
	t.deepEqual(await judge({allowed: false, asked}), refused('not_allowed'));
	for (const bad of ['', 'a b', '../x', 'a/b', '@a:b', '[::1', 'a'.repeat(300)]) {
		t.deepEqual(await judge({signed: {origin: bad}, asked}), refused('malformed'), bad);
	}
	t.deepEqual(asked, []);
});

test('missing, foreign and malformed headers are told apart', async (t) => {
	t.deepEqual(await judge({request: {authorization: []}}), refused('missing'));
	t.deepEqual(await judge({request: {authorization: ['Bearer abc']}}), refused('missing'));
	t.deepEqual(await judge({request: {authorization: ['X-Matrix origin=a']}}), refused('malformed'));
	t.deepEqual(await judge({request: {authorization: Array.from({length: 5}, () => EXAMPLE)}}), refused('malformed'));
	t.deepEqual(await judge({request: {authorization: [EXAMPLE]}}), refused('unknown_key'));
	t.deepEqual(await judge({keys: {}}), refused('unknown_key'));
});

const request = (...authorization: string[]): Change => ({request: {uri: '/x', authorization}});

test('of several headers of one origin one good signature is enough', async (t) => {
	const parts = {method: 'GET', uri: '/x', origin, destination};
	const [good, other] = [buildAuthorization(parts, key), buildAuthorization(parts, otherKey)];
	t.deepEqual(await judge(request(other, good)), authentic);
	t.deepEqual(await judge(request(EXAMPLE, good)), authentic);
	t.deepEqual(await judge(request('Bearer x', good)), authentic);
	t.deepEqual(await judge(request(good, good.replace(origin, 'evil.example'))), refused('malformed'));
	t.deepEqual(await judge(request(good, good.replace(destination, 'evil.example'))), refused('wrong_destination'));
});
