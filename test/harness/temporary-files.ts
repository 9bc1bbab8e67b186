/**
 * Loaded before every test file: temporary files lie in memory where there is room. Nearly all of them are databases that
 * are thrown away a moment later, and most of the time of a test was spent in waiting for a disk that they never needed.
 */
import {chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync} from 'node:fs';
import {join} from 'node:path';

const MEMORY = '/dev/shm';
/** Several clusters and databases at a time, with much to spare. */
const FREE_BYTES_MIN = 2 * 1024 ** 3;
const NAME = /^broadsheet-tests-(?<pid>\d+)$/u;

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
		const pid = NAME.exec(name)?.groups?.['pid'];
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
	const ofFile = mkdtempSync(join(ofRun, 'file-'));
	// PostgreSQL, which runs as somebody else where the tests run as root, must get through.
	chmodSync(ofFile, 0o755);
	process.env['TMPDIR'] = ofFile;
	process.once('exit', () => {
		remove(ofFile);
		// The last one out.
		if (readdirSync(ofRun).length === 0) remove(ofRun);
	});
}
