import test from 'ava';
import * as fc from 'fast-check';
import {
	decodeBase64,
	decodeBase64Url,
	domainOf,
	isDeviceId,
	isEventId,
	isKeyId,
	isMediaId,
	isRoomAlias,
	isRoomId,
	isServerName,
	isUserId,
	localpartOf,
	parseMxcUri,
	parseServerName,
	parseSigningKeys,
	type ServerName,
	SigningKeyError,
} from '../../crypto/index.ts';
import {parseAuthorization, verifyRequest} from '../../federation/outbound/x-matrix.ts';
import {parseServerAddress} from '../../federation/outbound/server-address.ts';
import {isServerAllowed, matchesGlob, type Pdu, parseGlob} from '../../federation/rooms/index.ts';
import {readPlaceToken} from '../../server/events/index.ts';
import {createFilters, FiltersError, parseFieldPath, pickFields} from '../../server/filters/index.ts';
import {starMatcher} from '../../server/filters/star-matcher.ts';
import {MatrixError} from '../../server/http/errors.ts';
import {readParameter} from '../../server/http/parameters.ts';
import {readForm, readQuery} from '../../server/http/query.ts';
import {
	checkFileName,
	readContentType,
	readDispositionName,
	writeDisposition,
} from '../../server/media/content-description.ts';
import {MediaError} from '../../server/media/errors.ts';
import {MultipartError, readMultipart} from '../../server/media/multipart.ts';
import {Effort} from '../../server/push/effort.ts';
import {findsWords} from '../../server/push/word-match.ts';
import {SearchError} from '../../server/search/errors.ts';
import {readSearchToken, writeSearchToken} from '../../server/search/tokens.ts';
import {rankOf, readTerm, wordsOf} from '../../server/search/words.ts';
import {readSyncToken} from '../../server/sync/tokens.ts';
import {v} from '../../server/validation/index.ts';
import {expectTame, hostileBytes, hostileText} from './hostile-input.ts';

const serverName = 'b.example' as ServerName;

test('an X-Matrix header is read or none, and proves nothing by its form', async (t) => {
	const headers = [
		`X-Matrix origin="a.example",destination="b.example",key="ed25519:1",sig="${'A'.repeat(86)}"`,
		'x-matrix key=ed25519:1 , origin=a.example:8448, sig=AAAA==,destination=b.example,more="\\"x\\""',
	];
	await expectTame(t, {
		input: fc.array(hostileText(headers), {minLength: 1, maxLength: 3}),
		async act(authorization) {
			for (const header of authorization) {
				const parsed = parseAuthorization(header);
				if (parsed) t.true([parsed.origin, parsed.key, parsed.sig].every((text) => typeof text === 'string'));
			}
			const verdict = await verifyRequest(
				{method: 'GET', uri: '/_matrix/federation/v1/version', authorization},
				{serverName, isAllowed: () => true, findRequestKey: () => Promise.resolve(new Uint8Array(32).fill(1))},
			);
			t.false(verdict.isAuthentic);
		},
	});
});

test('patterns meet any text, whoever wrote either', async (t) => {
	const pattern = hostileText(['*', 'c?ke', '*.example', '*a*b?*', '@alice', 'a'.repeat(300), '?'.repeat(300)]);
	const text = hostileText(['a piece of cake', 'a.example', 'xaxbcx', 'a'.repeat(60_000), 'ab'.repeat(30_000)]);
	await expectTame(t, {
		input: fc.tuple(pattern, text),
		act([one, other]) {
			const glob = parseGlob(one.slice(0, 512));
			const isWhole = matchesGlob(glob, other);
			const hasWords = findsWords(glob, other, new Effort());
			// What is matched as a whole begins and ends where the text does.
			if (isWhole && glob.pieces.length > 0) t.true(hasWords);
			starMatcher([one])(other);
			const content = {allow: [one], deny: [`${one}x`]};
			isServerAllowed({content} as unknown as Pdu, other);
			wordsOf(other);
			rankOf(wordsOf(other.slice(0, 10_000)), readTerm(one));
		},
	});
});

test('an identifier is one of its kind, or none', async (t) => {
	const identifiers = [
		'mxc://a.example/abcDEF_-',
		'@alice:a.example:8448',
		'!room:[2001:db8::1]:443',
		'#alias:192.0.2.1',
		'$event:a.example',
		`$${'A'.repeat(43)}`,
		'ed25519:a_1',
		'a.example',
	];
	await expectTame(t, {
		input: hostileText(identifiers),
		act(text) {
			const mxc = parseMxcUri(text);
			if (mxc) t.is(`mxc://${mxc.serverName}/${mxc.mediaId}`, text);
			for (const isOfKind of [isUserId, isRoomAlias]) {
				if (isOfKind(text)) t.is(`${text[0]}${localpartOf(text)}:${domainOf(text)}`, text);
			}
			if (isServerName(text)) t.truthy(parseServerName(text));
			if (parseServerAddress(text)) t.true(isServerName(text));
			for (const check of [isRoomId, isEventId, isKeyId, isMediaId, isDeviceId]) t.is(typeof check(text), 'boolean');
			decodeBase64(text);
			decodeBase64(text, {padding: true});
			decodeBase64Url(text);
		},
	});
});

test('a file of signing keys is read, or refused by name', async (t) => {
	await expectTame(t, {
		input: hostileText([`ed25519 a_1 ${'A'.repeat(43)}\n# more\n\ned25519 b ${'B'.repeat(42)}A\n`]),
		act: (text) => parseSigningKeys(text),
		refusals: [SigningKeyError],
	});
});

test('a token is one that was given out, or none', async (t) => {
	const now = {pos: 1_000, epoch: 'abc', seq: 12};
	const search = writeSearchToken({before: 12, group: {key: 'room_id', value: '!a:a.example'}});
	await expectTame(t, {
		input: hostileText(['s1.12.abc.3', 's1.12.abc.3.11', 't12_-3', `p1.12.${'a'.repeat(40)}`, search]),
		act(text) {
			const token = readSyncToken(text, now);
			if (token) t.true(token.pos <= now.pos && token.toDevice <= token.pos);
			const point = readPlaceToken(text);
			if (point) t.true(Number.isSafeInteger(point.anchor) && Number.isSafeInteger(point.minor));
			readSearchToken(text);
		},
		refusals: [SearchError],
	});
});

test('a filter can be used, or is refused by name', async (t) => {
	const filters = createFilters({storage: {filters: {find: () => Promise.resolve(undefined)}} as never});
	const samples = [
		'{"types":["m.room.*"],"not_types":["*b"],"senders":["@a:b"],"limit":10,"contains_url":true,"rooms":["!a:b"]}',
		'{"event_fields":["content.body","type"],"event_format":"client","room":{"timeline":{"limit":5,"types":["a*"]}}}',
		'{"room":{"include_leave":true,"state":{"lazy_load_members":true},"ephemeral":{"not_types":["*"]}},"presence":{}}',
	];
	const event = {type: 'm.room.message', content: {body: 'x'}};
	await expectTame(t, {
		input: hostileText(samples),
		async act(text) {
			pickFields(event, [parseFieldPath(text)]);
			const whole = await filters.resolve('@a:b' as never, text);
			whole.timeline.matches?.({type: 'm.room.message', sender: '@a:b'});
			t.true(whole.timeline.limit <= 100);
			const part = filters.readRoomEventFilter(text);
			part.matches?.({type: 'm.room.message', sender: '@a:b'});
			t.true(part.limit >= 0 && part.limit <= 100);
		},
		refusals: [FiltersError],
	});
});

test('parts of an answer are read, or refused by name', async (t) => {
	const body =
		'--xyz\r\nContent-Type: application/json\r\n\r\n{}\r\n--xyz\r\nContent-Type: image/png\r\n\r\nPNG\r\n--xyz--\r\n';
	const contentType = fc.oneof(
		{arbitrary: fc.constant('multipart/mixed; boundary=xyz'), weight: 3},
		{arbitrary: hostileText(['multipart/mixed; boundary=xyz', 'Multipart/Mixed;a=b; boundary="xyz"']), weight: 1},
	);
	await expectTame(t, {
		input: fc.tuple(contentType, hostileBytes([body]), fc.integer({min: 1, max: 64})),
		async act([type, bytes, pieces]) {
			const size = Math.ceil(bytes.length / pieces) || 1;
			const source = (async function* () {
				for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
			})();
			const part = await readMultipart(type, source);
			let length = 0;
			for await (const piece of part.body) length += piece.length;
			t.true(length <= bytes.length);
		},
		refusals: [MultipartError],
	});
});

test('what is said of a file leads to a header of one line, or is left out', async (t) => {
	const samples = [
		'attachment; filename="a \\"file\\".png"',
		"inline; filename*=utf-8''%e2%82%ac%20rates.txt; filename=x",
		'image/png; charset="utf-8"',
		'name.txt',
	];
	await expectTame(t, {
		input: hostileText(samples),
		act(text) {
			const contentType = readContentType(text);
			const fileName = readDispositionName(text);
			const names = [fileName, checkFileName(text)];
			for (const name of names) {
				const headers = new Headers({'content-type': contentType});
				headers.set('content-disposition', writeDisposition({contentType, fileName: name}));
				// What is given out is read as what was meant.
				t.is(readDispositionName(headers.get('content-disposition') ?? undefined), name);
			}
		},
		refusals: [MediaError],
	});
});

test('paths, queries and forms are read, or refused with the code for it', async (t) => {
	const schema = v.object({
		limit: v.optional(v.integer({min: 0})),
		dir: v.literal('b', 'f'),
		full: v.optional(v.boolean()),
		via: v.optional(v.array(v.string({max: 255}), {max: 10})),
		size: v.optional(v.number()),
	});
	await expectTame(t, {
		input: hostileText(['limit=10&dir=b&full=true&via=a.example&via=b&size=1.5', 'dir=f&limit=%31%30', '%40a%3Ab']),
		act(text) {
			for (const name of ['userId', 'roomIdOrAlias', 'eventId', 'deviceId', 'serverName', 'txnId']) {
				try {
					readParameter(name, text);
				} catch (error) {
					if (!(error instanceof MatrixError)) throw error;
					t.is(error.errcode, 'M_INVALID_PARAM');
				}
			}
			t.deepEqual(readForm(schema, Buffer.from(text.toWellFormed())), readQuery(schema, new URLSearchParams(text)));
		},
		refusals: [MatrixError],
	});
});
