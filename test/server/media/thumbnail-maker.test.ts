import {execFileSync} from 'node:child_process';
import {closeSync, mkdtempSync, openSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {MediaError} from '../../../server/media/index.ts';
import {ThumbnailMaker} from '../../../server/media/thumbnail-maker.ts';
import {png} from '../api/client-server/media-requests.ts';

const order = {size: {width: 32, height: 32}, fit: 'cover', mayMove: false, pixelsMax: 1_000} as const;

test('F4: a picture that takes too long is given up with its process, and the others have their turn', async (t) => {
	const directory = mkdtempSync(join(tmpdir(), 'broadsheet-slow-'));
	t.teardown(() => rmSync(directory, {recursive: true}));
	const [slow, quick] = [join(directory, 'slow'), join(directory, 'quick')];
	execFileSync('/bin/sh', ['-c', 'mkfifo "$0"', slow]);
	writeFileSync(quick, png);
	const files = [slow, slow, quick].map((file) => openSync(file, file === slow ? 'r+' : 'r'));
	t.teardown(() => files.forEach((file) => closeSync(file)));
	const maker = new ThumbnailMaker();
	const begun = performance.now();
	// Both places are taken by pictures whose decoding never ends.
	const [first, second, third] = await Promise.allSettled(files.map((file) => maker.make(file, order)));
	for (const result of [first, second]) {
		t.is(result?.status, 'rejected');
		t.true(result?.status === 'rejected' && (result.reason as MediaError).code === 'no-thumbnail');
	}
	t.is(third?.status, 'fulfilled');
	t.true(performance.now() - begun >= 4_000, 'they were worked on for as long as a picture may take');
});
