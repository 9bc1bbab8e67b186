/** The reference data that lies beside a working copy, `../shared`, and in no user's clone. */
import {existsSync, readFileSync} from 'node:fs';
import {resolve} from 'node:path';
import type {ExecutionContext, TestFn} from 'ava';

/** Gives the absolute path of a file in `../shared`, seen from the project's root; absent where it is not there. */
export function sharedFile(path: string): string | undefined {
	const file = resolve(process.cwd(), '..', 'shared', path);
	return existsSync(file) ? file : undefined;
}

/** Reads a file of `../shared`. Where it is not there says so and gives nothing: the tests that need it must be skipped. */
export function readShared(path: string): Buffer | undefined {
	const file = sharedFile(path);
	if (file !== undefined) return readFileSync(file);
	console.log(reasonFor(path));
	return undefined;
}

/**
 * Gives a function that declares tests which need a file of `../shared`: they get what `read` makes of its text. Where the
 * file is not there the tests are skipped, and the reason is printed and stands in their titles.
 */
export function testsWithShared<Content>(
	test: TestFn,
	path: string,
	read: (text: string) => Content,
): (title: string, run: (t: ExecutionContext, content: Content) => void | Promise<void>) => void {
	const text = readShared(path)?.toString('utf8');
	if (text === undefined) {
		return (title, run) => test.skip(`${title} (${reasonFor(path)})`, (t) => run(t, read('null')));
	}
	const content = read(text);
	return (title, run) => test(title, (t) => run(t, content));
}

function reasonFor(path: string): string {
	return `skipped: ../shared/${path} is not beside this project`;
}
