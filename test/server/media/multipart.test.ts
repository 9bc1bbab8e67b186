import {Readable} from 'node:stream';
import test from 'ava';
import fc from 'fast-check';
import {MultipartError, readMultipart, writeMultipart} from '../../../server/media/multipart.ts';

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
	const chunks: Uint8Array[] = [];
	for await (const chunk of source) chunks.push(chunk);
	return Buffer.concat(chunks);
}

/** Gives bytes in pieces of these sizes, again and again. */
function* cut(bytes: Buffer, sizes: readonly number[]): Generator<Uint8Array> {
	for (let start = 0, turn = 0; start < bytes.length; turn += 1) {
		const size = sizes[turn % sizes.length] ?? 1;
		yield bytes.subarray(start, start + size);
		start += size;
	}
}

async function* piecesOf(bytes: Buffer, sizes: readonly number[] = [7]): AsyncGenerator<Uint8Array> {
	yield* cut(bytes, sizes);
}

test('what is written is read again, in pieces of any size', async (t) => {
	await fc.assert(
		fc.asyncProperty(
			fc.uint8Array({maxLength: 500}),
			fc.array(fc.integer({min: 1, max: 60}), {minLength: 1, maxLength: 5}),
			async (bytes, sizes) => {
				const content = Buffer.concat([Buffer.from(bytes), Buffer.from('\r\n--abc\r\n--ab\r\n--')]);
				const written = writeMultipart(
					'abcd0123',
					{'content-type': 'image/png', 'content-disposition': 'inline; filename="a"'},
					{body: Readable.from([content]), sizeBytes: content.length},
				);
				const all = await collect(written.body);
				t.is(all.length, written.sizeBytes);
				const part = await readMultipart(written.contentType, piecesOf(all, sizes));
				t.deepEqual(part.headers, {'content-type': 'image/png', 'content-disposition': 'inline; filename="a"'});
				t.true((await collect(part.body)).equals(content));
			},
		),
		{seed: 42, numRuns: 200},
	);
});

test('the forms that other servers write are read', async (t) => {
	const body =
		'preamble\r\n--x y\r\n\r\n{}\r\n--x y  \r\nContent-Type:text/plain\r\nX-Other: 1\r\n\r\nhello\r\n--x y--\r\nmore';
	const part = await readMultipart('Multipart/Mixed; charset=utf-8; boundary="x y"', piecesOf(Buffer.from(body)));
	t.deepEqual(part.headers, {'content-type': 'text/plain', 'x-other': '1'});
	t.is((await collect(part.body)).toString(), 'hello');
});

test('F7: answers without boundary, without parts, without end or with endless heads are refused', async (t) => {
	const rows: [string, string][] = [
		['application/json', '{}'],
		['multipart/mixed', '--\r\n'],
		['multipart/form-data; boundary=b', '--b\r\n\r\n{}\r\n--b\r\n\r\nx\r\n--b--'],
		['multipart/mixed; boundary=b', ''],
		['multipart/mixed; boundary=b', '--b\r\n\r\n{}'],
		['multipart/mixed; boundary=b', '--b\r\n\r\n{}\r\n--b--\r\n'],
		['multipart/mixed; boundary=b', `--b\r\n\r\n{}\r\n--b\r\n${'header: x\r\n'.repeat(5000)}`],
		['multipart/mixed; boundary=b', `--b\r\n\r\n${'x'.repeat(100_000)}`],
		['multipart/mixed; boundary=b', '--b\r\n\r\n{}\r\n--b\r\nno header\r\n\r\n'],
	];
	for (const [type, body] of rows) {
		await t.throwsAsync(
			readMultipart(type, piecesOf(Buffer.from(body), [1000])),
			{instanceOf: MultipartError},
			body.slice(0, 40),
		);
	}
	const cutOff = await readMultipart(
		'multipart/mixed; boundary=b',
		piecesOf(Buffer.from('--b\r\n\r\n{}\r\n--b\r\n\r\nhel')),
	);
	await t.throwsAsync(collect(cutOff.body), {instanceOf: MultipartError});
});
