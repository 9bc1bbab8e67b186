/**
 * Loaded before every test file, which lives for a few seconds in a thread of its own.
 *
 * Temporary files lie in memory where there is room: nearly all of them are databases that are thrown away a moment later,
 * and would wait for a disk that they do not need. And what is run a few times is not worth to be optimised: V8 looks at
 * functions eight times later than by default, which takes a fifth off the processor's time of a file of endpoints.
 */
import {chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync} from 'node:fs';
import {join} from 'node:path';
import {setFlagsFromString} from 'node:v8';
import {MEMORY, RUN_DIRECTORY} from './run-directory.ts';

setFlagsFromString('--interrupt-budget=1000000');

const FILE_PREFIX = 'file-';
/** Several clusters and databases at a time, with much to spare. */
const FREE_BYTES_MIN = 2 * 1024 ** 3;

/** Whether files in memory can be had, as large as on a disk and loadable as libraries. */
function hasMemory(): boolean {
	try {
		const {bavail, bsize} = statfsSync(MEMORY);
		const mount = readFileSync('/proc/self/mounts', 'utf8')
			.split('\n')
			.map((line) => line.split(' '))
			.find(([, place]) => place === MEMORY);
		return bavail * bsize >= FREE_BYTES_MIN && mount !== undefined && !mount[3]?.split(',').includes('noexec');
	} catch {
		return false;
	}
}

/** Removes what runs that were killed have left behind. */
function removeAbandoned(): void {
	const running = new Set(readdirSync('/proc'));
	for (const name of readdirSync(MEMORY)) {
		const pid = RUN_DIRECTORY.exec(name)?.groups?.['pid'];
		if (pid !== undefined && !running.has(pid)) remove(join(MEMORY, name));
	}
}

/** What cannot be removed now (another file's thread is at it, or a server is only just ending) the next run removes. */
function remove(path: string): void {
	try {
		rmSync(path, {recursive: true, force: true, maxRetries: 2});
	} catch {
		// It is in nobody's way.
	}
}

if (hasMemory()) {
	removeAbandoned();
	const ofRun = join(MEMORY, `broadsheet-tests-${process.pid}`);
	mkdirSync(ofRun, {recursive: true, mode: 0o755});
	const ofFile = mkdtempSync(join(ofRun, FILE_PREFIX));
	// PostgreSQL, which runs as somebody else where the tests run as root, must get through.
	chmodSync(ofFile, 0o755);
	process.env['TMPDIR'] = ofFile;
	process.once('exit', () => {
		remove(ofFile);
		// The last one out.
		if (!readdirSync(ofRun).some((name) => name.startsWith(FILE_PREFIX))) remove(ofRun);
	});
}
