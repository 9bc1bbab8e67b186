import test from 'ava';
import * as fc from 'fast-check';
import {
	domainOf,
	isCompliantUserId,
	isDeviceId,
	isDomainRoomId,
	isEventId,
	isEventIdOfShape,
	isHashRoomId,
	isKeyId,
	isMediaId,
	isRoomAlias,
	isRoomId,
	isServerName,
	isStrictLocalpart,
	isStrictUserId,
	isUserId,
	localpartOf,
	parseMxcUri,
	parseServerName,
} from '../../crypto/index.ts';
import {testsWithShared} from '../harness/index.ts';

interface Vectors {
	serverNames: {valid: string[]};
	eventIdShapes: {'v1-2': string; v3: string; 'v4+': string; roomIdV12: string};
	matrixUris: {vectors: {ref: string}[]};
}

const specTest = testsWithShared(test, 'spec/test-vectors.json', (text): Vectors => JSON.parse(text));

const fits = (sigil: string, letter: string, count: number) => `${sigil}${letter.repeat(count)}:b`;

const notStrings = [undefined, null, 5, {}, [], ['@a:b'], true];

specTest("the specification's server names are server names", (t, {serverNames}) => {
	for (const name of serverNames.valid) t.true(isServerName(name), name);
});

specTest(
	"the specification's event and room ids have the shapes of their room versions",
	(t, {eventIdShapes: shapes}) => {
		const {v3} = shapes;
		t.true(isEventIdOfShape(shapes['v1-2'], 'domain'));
		t.true(isEventIdOfShape(v3, 'base64'));
		t.true(isEventIdOfShape(shapes['v4+'], 'base64url'));
		t.false(isEventIdOfShape(v3, 'base64url'));
		t.false(isEventIdOfShape(shapes['v4+'], 'base64'));
		t.false(isEventIdOfShape(v3, 'domain'));
		t.false(isEventIdOfShape(shapes['v1-2'], 'base64url'));
		for (const id of [shapes['v1-2'], v3, shapes['v4+']]) t.true(isEventId(id), id);
		t.true(isHashRoomId(shapes.roomIdV12));
		t.true(isRoomId(shapes.roomIdV12));
		t.false(isDomainRoomId(shapes.roomIdV12));
	},
);

specTest('the ids in the examples of URIs are ids', (t, {matrixUris}) => {
	for (const {ref} of matrixUris.vectors) t.true(isUserId(ref) || isRoomAlias(ref) || isRoomId(ref), ref);
});

test('a server name is taken apart into host, kind and port', (t) => {
	t.deepEqual(parseServerName('matrix.org'), {host: 'matrix.org', kind: 'dns', port: undefined});
	t.deepEqual(parseServerName('Matrix.ORG:8888'), {host: 'Matrix.ORG', kind: 'dns', port: 8888});
	t.deepEqual(parseServerName('1.2.3.4:1234'), {host: '1.2.3.4', kind: 'ipv4', port: 1234});
	t.deepEqual(parseServerName('[::ffff:1.2.3.4]:1'), {host: '::ffff:1.2.3.4', kind: 'ipv6', port: 1});
});

test('F1: what is no server name is refused', (t) => {
	const bad = [
		'',
		':',
		':80',
		'a:',
		'a:b',
		'a:123456',
		'a:65536',
		'a:-1',
		'a: 80',
		'a:80:80',
		'a b',
		'a/b',
		'a\\b',
		'a@b',
		'a_b',
		'.',
		'..',
		'.a',
		'a..b',
		'../etc',
		'..%2f',
		'é.org',
		'a\n',
		'a\0',
		'1.2.3.256',
		'1.2.3.04',
		'1234.1.1.1',
		'[',
		'[]',
		'[::1',
		'::1',
		'[::1]x',
		'[1.2.3.4]',
		'[fe80::1%eth0]',
		'[12345::]',
		'[::1]:',
		'http://a',
		'a?',
		'a#',
		`${'a'.repeat(252)}:8448`,
	];
	for (const name of bad) t.false(isServerName(name), name);
	for (const value of notStrings) t.false(isServerName(value));
	t.true(isServerName('a'.repeat(255)));
	t.true(isServerName('example.org.'));
	t.true(isServerName('a:00080'), 'the grammar allows leading zeros of a port');
});

test('a server name is one exactly where it can be taken apart', (t) => {
	const label = fc.stringMatching(/^[0-9a-zA-Z-]{1,4}$/);
	const number = fc.oneof(fc.nat(300).map(String), fc.constantFrom('00', '01', '001'));
	const host = fc.oneof(
		fc.array(label, {maxLength: 5}).map((labels) => labels.join('.')),
		fc.array(number, {minLength: 3, maxLength: 5}).map((numbers) => numbers.join('.')),
		fc.stringMatching(/^[a1.[\]:_-]{0,10}$/),
	);
	const end = fc.oneof(
		fc.constantFrom('', '.', ':', '.:1'),
		fc.nat(99_999).map((port) => `:${port}`),
	);
	fc.assert(
		fc.property(host, end, (name, rest) => isServerName(name + rest) === (parseServerName(name + rest) !== undefined)),
		{numRuns: 5_000},
	);
	t.pass();
});

test('user ids are tolerant for events, strict for new accounts', (t) => {
	t.true(isUserId('@alice:example.org:8448'));
	t.true(isStrictUserId('@a.b_c=d-e/f+9:example.org'));
	for (const historical of [
		'@:example.org',
		'@Alice:example.org',
		'@a b:example.org',
		'@é\n\u{1f600}:example.org',
		'@a@b:example.org',
	]) {
		t.true(isUserId(historical), historical);
		t.false(isStrictUserId(historical), historical);
	}
	t.true(isCompliantUserId('@Alice!~:example.org'));
	for (const hidden of ['@:example.org', '@a b:example.org', '@é:example.org', '@a\u007f:example.org'])
		t.false(isCompliantUserId(hidden), hidden);
	for (const bad of [
		'',
		'@',
		'@a',
		'alice:example.org',
		'@a:',
		'@a:b c',
		'@a\0:b',
		'@\ud800:b',
		'!a:b',
		'@a:b:c',
		' @a:b',
	]) {
		t.false(isUserId(bad), bad);
	}
	for (const value of notStrings) t.false(isUserId(value) || isStrictUserId(value) || isCompliantUserId(value));
	for (const localpart of ['', 'A', 'a b', 'é', 'a:b', 'a*', '\u212a'])
		t.false(isStrictLocalpart(localpart), localpart);
	t.true(isStrictLocalpart('a'));
});

test('A8: identifiers are limited to 255 bytes, not characters', (t) => {
	for (const [sigil, check] of [
		['@', isUserId],
		['#', isRoomAlias],
		['!', isDomainRoomId],
		['$', isEventId],
	] as const) {
		t.true(check(fits(sigil, 'a', 252)));
		t.false(check(fits(sigil, 'a', 253)));
		t.true(check(fits(sigil, 'é', 126)));
		t.false(check(fits(sigil, 'é', 127)));
		t.false(check(fits(sigil, '\u{1f600}', 100)));
	}
});

test('room ids, aliases and event ids with a domain want a localpart without colon and a server name', (t) => {
	t.true(isRoomId('!a:b'));
	t.true(isRoomAlias('#日本:example.org'));
	t.true(isRoomAlias('#:example.org'));
	for (const bad of [
		'!a',
		'!',
		'',
		'a:b',
		'!a:',
		'!a\0:b',
		'!a:b/c',
		`!${'a'.repeat(42)}`,
		`!${'a'.repeat(44)}`,
		`!${'+'.repeat(43)}`,
	])
		t.false(isRoomId(bad), bad);
	for (const bad of [
		'$',
		'$a',
		`$${'a'.repeat(42)}`,
		`$${'a'.repeat(44)}`,
		`$${'='.repeat(43)}`,
		`$${'a'.repeat(43)}\n`,
	])
		t.false(isEventId(bad), bad);
	for (const value of notStrings)
		t.false(isRoomId(value) || isRoomAlias(value) || isEventId(value) || isHashRoomId(value));
});

test('an identifier gives its localpart and its domain, which begins after the first colon', (t) => {
	const ids = ['@alice:example.org:8448', '@:[::1]:80'];
	const parts = ids.map((id) => (isUserId(id) ? [localpartOf(id), domainOf(id)] : undefined));
	t.deepEqual(parts, [
		['alice', 'example.org:8448'],
		['', '[::1]:80'],
	]);
	const hash = `!${'a'.repeat(43)}`;
	t.is(isRoomId(hash) ? domainOf(hash) : '', undefined);
});

test('device ids are opaque but short, and can be printed', (t) => {
	for (const id of ['ABCDEFGHIJ', 'a', 'Element X/é', '+/=', 'a'.repeat(255)]) t.true(isDeviceId(id), id);
	for (const id of ['', 'a\0', 'a\nb', '\ud800', 'a'.repeat(256), 'é'.repeat(128), ...notStrings])
		t.false(isDeviceId(id));
});

test('key ids are ed25519 and a version of letters, digits and underscores', (t) => {
	for (const id of ['ed25519:1', 'ed25519:a_RXGa']) t.true(isKeyId(id), id);
	for (const id of [
		'ed25519:',
		'ed25519',
		'ed25519:a-b',
		'ed25519:a b',
		'rsa:1',
		`ed25519:${'a'.repeat(250)}`,
		...notStrings,
	])
		t.false(isKeyId(id));
});

test('F1, F2: a content URI has a server name and a media id that can be part of no path', (t) => {
	t.deepEqual(parseMxcUri('mxc://example.org:8448/aB_-9'), {serverName: 'example.org:8448', mediaId: 'aB_-9'});
	const bad = [
		'',
		'mxc://',
		'mxc://a',
		'mxc://a/',
		'mxc:///a',
		'mxc://../a',
		'mxc://a/..',
		'mxc://a/.',
		'mxc://a/b/c',
		'mxc://a/b?c',
		'mxc://a/b#c',
		'mxc://a/%2e%2e',
		'mxc://a/b\n',
		'MXC://a/b',
		'http://a/b',
		'mxc://a\\b/c',
		'mxc://a/é',
		`mxc://a/${'b'.repeat(256)}`,
		...notStrings,
	];
	for (const uri of bad) t.is(parseMxcUri(uri), undefined, JSON.stringify(uri));
	for (const id of ['', '.', '..', 'a/b', 'a.b', 'a%', 'a b', 'a\\']) t.false(isMediaId(id), id);
});

test('no text makes a check throw, and what is accepted is within its limits', (t) => {
	const checks = [
		isUserId,
		isStrictUserId,
		isRoomId,
		isRoomAlias,
		isEventId,
		isServerName,
		isDeviceId,
		isKeyId,
		isMediaId,
	];
	const text = fc.oneof(fc.string({unit: 'binary'}), fc.string(), fc.stringMatching(/^[@!#$][a-z:.[\]0-9]{0,20}$/));
	fc.assert(
		fc.property(text, (value) => {
			for (const check of checks) {
				if (check(value)) t.true(Buffer.byteLength(value) <= 255 && !value.includes('\0') && value.isWellFormed());
			}
		}),
		{seed: 1, numRuns: 3000},
	);
});
