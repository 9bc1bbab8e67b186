/** Which operations of the specification the tests of a run had an answer from, with which statuses. */
import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {isMainThread, threadId} from 'node:worker_threads';

/** Where runs leave what they saw: each a directory, named by its process, with a file for each thread. */
export const COVERAGE_DIRECTORY = join('dist', 'conformance');

const seen = new Set<string>();

/** Names an operation. */
export const nameOf = (api: string, method: string, path: string): string => `${api} ${method.toUpperCase()} ${path}`;

/** Names an operation's answer. */
export const answerOf = (operation: string, status: number | string): string => `${operation} ${status}`;

/** Notes an answer; written down once, at the end of the thread. Programs that may run beside the tests are no part of a run. */
export function noteAnswer(operation: string, status: number): void {
	if (isMainThread) return;
	if (seen.size === 0) process.once('exit', write);
	seen.add(answerOf(operation, status));
}

function write(): void {
	const directory = join(COVERAGE_DIRECTORY, String(process.pid));
	mkdirSync(directory, {recursive: true});
	writeFileSync(join(directory, `${threadId}.json`), JSON.stringify([...seen]));
}
