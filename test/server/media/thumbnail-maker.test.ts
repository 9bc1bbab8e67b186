import {execFileSync} from 'node:child_process';
import {closeSync, constants, mkdtempSync, openSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import sharp from 'sharp';
import {MediaError, ThumbnailMaker} from '../../../server/media/index.ts';
import {paintSquare} from './png.ts';

const order = {size: {width: 32, height: 32}, fit: 'cover', mayMove: false, pixelsMax: 40_000_000} as const;
/** More points than the server decodes, so that what its head hides is tested too. */
const largeOrder = {...order, pixelsMax: 400_000_000};
const large = 18_000;

function makeDirectory(t: ExecutionContext): string {
	const directory = mkdtempSync(join(tmpdir(), 'broadsheet-pictures-'));
	t.teardown(() => rmSync(directory, {recursive: true}));
	return directory;
}

/** An open file of a picture, closed when the test ends. */
function openPicture(t: ExecutionContext, picture: Buffer): number {
	const path = join(makeDirectory(t), 'picture');
	writeFileSync(path, picture);
	const file = openSync(path, 'r');
	t.teardown(() => closeSync(file));
	return file;
}

test('F4: a picture that takes too long is given up with its process, and the others have their turn', async (t) => {
	const path = join(makeDirectory(t), 'endless');
	execFileSync('mkfifo', [path]);
	// More than there are places, and none of them ever comes to an end.
	const files = [1, 2, 3].map(() => openSync(path, 'r+'));
	const makingMsMax = 300;
	const maker = new ThumbnailMaker({makingMsMax});
	const begun = performance.now();
	const results = await Promise.allSettled(files.map((file) => maker.make(file, order)));
	for (const result of results) {
		t.is(result.status === 'rejected' && (result.reason as MediaError).code, 'took-too-long');
	}
	t.true(performance.now() - begun > makingMsMax * 1.5, 'each was worked on for as long as a picture may take');
	files.forEach((file) => closeSync(file));
	const isGone = t.throws(() => openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
	t.is((isGone as NodeJS.ErrnoException).code, 'ENXIO', 'no process reads any more');
});

test('F4: a picture takes only so much of the processor, however busy the machine is', async (t) => {
	const maker = new ThumbnailMaker({processorSecondsMax: 1});
	const picture = openPicture(t, paintSquare(large, {isInterlaced: false}));
	const error = await t.throwsAsync(maker.make(picture, largeOrder), {instanceOf: MediaError});
	t.is(error?.code, 'took-too-long');
});

test('F4: a picture that takes more memory than it may is given up before it is decoded', async (t) => {
	const maker = new ThumbnailMaker();
	const picture = openPicture(t, paintSquare(large, {isInterlaced: true}));
	const error = await t.throwsAsync(maker.make(picture, largeOrder), {instanceOf: MediaError});
	t.is(error?.code, 'no-thumbnail');
});

test('F4: the largest picture that is decoded fits in the memory it may take', async (t) => {
	const picture = openPicture(t, paintSquare(Math.floor(Math.sqrt(order.pixelsMax)), {isInterlaced: true}));
	const {width, height, format} = await sharp(await new ThumbnailMaker().make(picture, order)).metadata();
	t.deepEqual([width, height, format], [32, 32, 'png']);
});
