import {unlinkSync} from 'node:fs';
import {join} from 'node:path';
import {deflateSync} from 'node:zlib';
import test from 'ava';
import sharp from 'sharp';
import {register, request, startApp} from '../../../harness/index.ts';
import {MediaError, ThumbnailMaker} from '../../../../server/media/index.ts';
import {chooseForm} from '../../../../server/media/thumbnail-forms.ts';
import {processorTime} from '../../../harness/processor-time.ts';
import {pngChunk} from '../../media/png.ts';
import {download, listFiles, png, THUMBNAIL, upload} from './media-requests.ts';

const color = {r: 40, g: 90, b: 160};

/** A picture of one colour. */
function paint(width: number, height: number) {
	return sharp({create: {width, height, channels: 3, background: color}});
}

/** A photograph that a camera held upright has noted the place in. */
function photograph(): Promise<Buffer> {
	return paint(1200, 900)
		.withExif({IFD0: {Copyright: 'the-source'}, IFD3: {GPSLatitude: '51/1 30/1 0/1', GPSLatitudeRef: 'N'}})
		.withMetadata({orientation: 6})
		.jpeg()
		.toBuffer();
}

/** Frames one upon the other, as animations are made. */
async function animate(count: number): Promise<Buffer> {
	const frames = await Promise.all(
		Array.from({length: count}, (_, index) =>
			sharp({create: {width: 200, height: 100, channels: 3, background: {r: index * 40, g: 0, b: 0}}})
				.png()
				.toBuffer(),
		),
	);
	return sharp(frames, {join: {animated: true}})
		.gif()
		.toBuffer();
}

test('a picture is given in small, in the sizes of the specification, and never larger than it is', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const {path} = await upload(app, alice, await paint(1000, 500).png().toBuffer(), {type: 'text/plain', name: 'a.b'});
	const rows: [string, number, number][] = [
		['width=32&height=32&method=crop', 32, 32],
		['width=20&height=20&method=crop', 32, 32],
		['width=96&height=96&method=crop', 96, 96],
		['width=320&height=240&method=scale', 320, 160],
		['width=300&height=200', 320, 160],
		['width=640&height=480&method=scale', 640, 320],
		['width=800&height=600&method=scale', 800, 400],
		['width=100&height=200&method=crop', 480, 240],
		['width=1600&height=1200&method=scale', 1000, 500],
		['width=9000&height=9000&method=scale', 1000, 500],
	];
	for (const [query, width, height] of rows) {
		const got = await download(app, alice, `${THUMBNAIL}${path}?${query}`);
		t.is(got.status, 200, query);
		t.is(got.headers.get('content-type'), 'image/jpeg', 'by its bytes, whatever was said');
		t.is(got.headers.get('content-disposition'), 'inline; filename="thumbnail.jpeg"');
		t.is(got.headers.get('content-security-policy')?.startsWith('sandbox'), true);
		const made = await sharp(got.content).metadata();
		t.deepEqual([made.width, made.height], [width, height], query);
	}
	const files = listFiles(join(app.directory, 'data', 'media')).length;
	for (const [query] of rows) await download(app, alice, `${THUMBNAIL}${path}?${query}`);
	t.is(listFiles(join(app.directory, 'data', 'media')).length, files, 'what was made is kept');
	const small = await upload(app, alice, png, {type: 'image/png'});
	const whole = await download(app, alice, `${THUMBNAIL}${small.path}?width=32&height=32&method=crop`);
	const {width, height, format} = await sharp(whole.content).metadata();
	t.deepEqual([width, height, format], [1, 1, 'png'], 'what can be seen through stays so');
});

test('a thumbnail is turned upright, and does not tell where and by whom the picture was taken', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const photo = await photograph();
	t.true(photo.includes('the-source'));
	const {path} = await upload(app, alice, photo, {type: 'image/jpeg'});
	for (const size of ['width=320&height=240', 'width=9000&height=9000']) {
		const got = await download(app, alice, `${THUMBNAIL}${path}?${size}`);
		t.is(got.status, 200);
		const {width, height, exif, orientation} = await sharp(got.content).metadata();
		t.true(width < height, 'upright');
		t.is(exif, undefined);
		t.is(orientation, undefined);
		t.false(got.content.includes('the-source'));
	}
});

test('what moves is shown moving to who asks for that, and still to others', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const {path} = await upload(app, alice, await animate(4), {type: 'image/gif'});
	const rows: [string, string, number | undefined][] = [
		['', 'image/png', undefined],
		['&animated=false', 'image/png', undefined],
		['&animated=true', 'image/webp', 4],
	];
	for (const [query, type, pages] of rows) {
		const got = await download(app, alice, `${THUMBNAIL}${path}?width=96&height=96${query}`);
		t.is(got.status, 200, query);
		t.is(got.headers.get('content-type'), type, query);
		t.is((await sharp(got.content).metadata()).pages, pages, query);
	}
	const still = await upload(app, alice, await paint(50, 50).jpeg().toBuffer());
	const got = await download(app, alice, `${THUMBNAIL}${still.path}?width=32&height=32&animated=true`);
	t.is(got.headers.get('content-type'), 'image/jpeg', 'what cannot move does not');
});

test('F4: a picture of more points than fit in the memory is refused by its head', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const bomb = await paint(16_000, 2600).png({compressionLevel: 9}).toBuffer();
	t.true(bomb.length < 200_000);
	const {path} = await upload(app, alice, bomb, {type: 'image/png'});
	for (let attempt = 0; attempt < 2; attempt += 1) {
		const {status, body} = await request(app, 'GET', `${THUMBNAIL}${path}?width=32&height=32`, {
			token: alice.access_token,
		});
		t.is(status, 413);
		t.is(body['errcode'], 'M_TOO_LARGE');
	}
	const liar = Buffer.from(bomb);
	// The head says less than there is: what comes over is not decoded, or no picture.
	liar.writeUInt32BE(16, 16);
	const lie = await upload(app, alice, liar, {type: 'image/png'});
	const answer = await request(app, 'GET', `${THUMBNAIL}${lie.path}?width=32&height=32`, {token: alice.access_token});
	t.is(answer.status, 400);
	t.is(answer.body['errcode'], 'M_UNKNOWN');
});

/** What a picture that is a bomb unpacks to. */
const BOMB_BYTES = 256 << 20;

test.serial(
	'F4: what unpacks to a thousand times its size takes none of the server’s memory, and holds up nobody',
	async (t) => {
		const app = await startApp(t);
		const alice = await register(app, 'alice');
		const small = await paint(30, 30).png().toBuffer();
		const zeros = deflateSync(Buffer.alloc(BOMB_BYTES), {level: 9});
		t.true(zeros.length < 1 << 20);
		const bombs = {
			'a text': pngChunk('zTXt', Buffer.concat([Buffer.from('Comment\0\0'), zeros])),
			'a profile of colours': pngChunk('iCCP', Buffer.concat([Buffer.from('profile\0\0'), zeros])),
			'the points of a picture': pngChunk('IDAT', zeros),
		};
		const before = process.memoryUsage().rss;
		for (const [what, bomb] of Object.entries(bombs)) {
			// Behind the head, which is 8 bytes of signature and 25 of the first chunk.
			const {path} = await upload(app, alice, Buffer.concat([small.subarray(0, 33), bomb, small.subarray(33)]));
			const asked = request(app, 'GET', `${THUMBNAIL}${path}?width=32&height=32`, {token: alice.access_token});
			const begunMs = processorTime();
			t.is((await request(app, 'GET', '/_matrix/client/versions')).status, 200);
			const {status} = await asked;
			const spentMs = processorTime() - begunMs;
			t.true(spentMs < 1_000, `${what}: ${spentMs} ms`);
			t.true(status === 200 || status === 400 || status === 413, `${what}: ${status}`);
		}
		const grown = process.memoryUsage().rss - before;
		// Other tests run in this process, too.
		t.true(grown < (BOMB_BYTES * 3) / 4, `${grown} bytes`);
	},
);

test('F5: only four kinds of pictures are decoded, whatever they are said to be', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const image = paint(40, 40);
	const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="file:///etc/passwd"/></svg>';
	const rows: [string, Buffer | string, number][] = [
		['jpeg', await image.clone().jpeg().toBuffer(), 200],
		['png', await image.clone().png().toBuffer(), 200],
		['webp', await image.clone().webp().toBuffer(), 200],
		['gif', await image.clone().gif().toBuffer(), 200],
		['tiff', await image.clone().tiff().toBuffer(), 400],
		['avif', await image.clone().avif().toBuffer(), 400],
		['svg', svg, 400],
		['svg behind the head of a gif', `GIF89a${svg}`, 400],
		['heic', Buffer.from('\0\0\0\u0018ftypheic\0\0\0\0mif1heic', 'latin1'), 400],
		['video', Buffer.from('\0\0\0\u0018ftypisom\0\0\u0002\0isommp41', 'latin1'), 400],
		['PostScript', '%!PS-Adobe-3.0\n', 400],
		['nothing', '', 400],
		['half a jpeg', (await image.clone().jpeg().toBuffer()).subarray(0, 100), 400],
	];
	for (const [name, content, expected] of rows) {
		const {path} = await upload(app, alice, content, {type: 'image/png'});
		const {status, content: answer} = await download(app, alice, `${THUMBNAIL}${path}?width=32&height=32`);
		t.is(status, expected, name);
		if (status !== 200) t.like(JSON.parse(String(answer)), {errcode: 'M_UNKNOWN'}, name);
	}
});

test('many who ask for one picture at once all get it, and sizes that are none are refused', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const {path} = await upload(app, alice, await paint(400, 300).jpeg().toBuffer());
	const answers = await Promise.all(
		Array.from({length: 12}, () => download(app, alice, `${THUMBNAIL}${path}?width=96&height=96&method=crop`)),
	);
	t.deepEqual(new Set(answers.map(({status}) => status)), new Set([200]));
	t.is(listFiles(join(app.directory, 'data', 'media')).length, 2);
	for (const query of ['', '?width=32', '?width=-1&height=32', '?width=a&height=32', '?width=1.5&height=2']) {
		t.is((await request(app, 'GET', `${THUMBNAIL}${path}${query}`, {token: alice.access_token})).status, 400, query);
	}
	t.is((await request(app, 'GET', `${THUMBNAIL}${path}?width=1&height=1`)).status, 401);
	const unknown = `${THUMBNAIL}/news.example/unknown?width=1&height=1`;
	t.is((await request(app, 'GET', unknown, {token: alice.access_token})).status, 404);
});

test('a picture that took too long is tried again later, and one that is none is not', async (t) => {
	const outcomes: (MediaError | undefined)[] = [];
	const maker = new ThumbnailMaker();
	let tries = 0;
	const app = await startApp(t, {
		thumbnailMaker: {
			make(file, order) {
				tries += 1;
				const failure = outcomes.shift();
				return failure === undefined ? maker.make(file, order) : Promise.reject(failure);
			},
		},
	});
	const alice = await register(app, 'alice');
	const picture = await upload(app, alice, await paint(400, 300).jpeg().toBuffer());
	const broken = await upload(app, alice, png.subarray(0, 40));
	const ask = async ({path}: {path: string}) => {
		const got = await download(app, alice, `${THUMBNAIL}${path}?width=32&height=32`);
		return {status: got.status, tries};
	};
	outcomes.push(new MediaError('took-too-long', 'Making this picture small took too long'));
	t.deepEqual(await ask(picture), {status: 503, tries: 1});
	t.deepEqual(await ask(picture), {status: 503, tries: 1}, 'not again and again');
	app.advance(10 * 60_000);
	t.deepEqual(await ask(picture), {status: 200, tries: 2});
	t.deepEqual(await ask(broken), {status: 400, tries: 3});
	app.advance(10 * 60_000);
	t.deepEqual(await ask(broken), {status: 400, tries: 3});
});

test('a thumbnail whose file is lost is made anew', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const picture = await paint(400, 300).jpeg().toBuffer();
	const {path} = await upload(app, alice, picture);
	const store = join(app.directory, 'data', 'media');
	const before = listFiles(store);
	const first = await download(app, alice, `${THUMBNAIL}${path}?width=32&height=32`);
	const made = listFiles(store).find((name) => !before.includes(name));
	t.truthy(made);
	unlinkSync(join(store, made ?? ''));
	const second = await download(app, alice, `${THUMBNAIL}${path}?width=32&height=32`);
	t.is(second.status, 200);
	t.true(second.content.equals(first.content));
});

test('every size that can be asked for has one of a few forms, none of them smaller', (t) => {
	const variants = new Set<string>();
	for (const method of ['crop', 'scale'] as const) {
		for (let width = 1; width < 2500; width += 37) {
			for (let height = 1; height < 2500; height += 37) {
				const {variant, size} = chooseForm({width, height, method, mayMove: false});
				variants.add(variant);
				if (size !== null && (size.width < width || size.height < height)) t.fail(`${width}x${height}: ${variant}`);
			}
		}
	}
	t.true(variants.size <= 13, [...variants].join(' '));
});
