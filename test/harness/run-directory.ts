/** The directory that the test files of one run share, made by short-lived.ts; absent where their files lie on a disk. */
import {tmpdir} from 'node:os';
import {basename, dirname} from 'node:path';

/** Where files in memory lie. */
export const MEMORY = '/dev/shm';
/** The name of a run's directory there: that of its process. */
export const RUN_DIRECTORY = /^broadsheet-tests-(?<pid>\d+)$/u;

/** Gives the directory of this run, which goes with its last test file. */
export function findRunDirectory(): string | undefined {
	const parent = dirname(tmpdir());
	return RUN_DIRECTORY.test(basename(parent)) ? parent : undefined;
}
