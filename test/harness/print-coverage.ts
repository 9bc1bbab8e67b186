/** Prints which of the specification's operations and statuses the last run of the tests had answers of. */
import {existsSync, readdirSync, readFileSync, rmSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {answerOf, COVERAGE_DIRECTORY, nameOf} from './conformance-coverage.ts';
import {readShared} from './shared.ts';

interface Api {
	readonly paths: Readonly<Record<string, Readonly<Record<string, {readonly responses?: object}>>>>;
}

/** The newest run's answers; what older ones left, of runs that failed, goes with them. */
function takeAnswers(): ReadonlySet<string> {
	const runs = existsSync(COVERAGE_DIRECTORY) ? readdirSync(COVERAGE_DIRECTORY) : [];
	const directories = runs.map((name) => join(COVERAGE_DIRECTORY, name));
	const newest = directories.toSorted((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
	const files = newest === undefined ? [] : readdirSync(newest).map((name) => join(newest, name));
	const answers = new Set(files.flatMap((file) => JSON.parse(readFileSync(file, 'utf8')) as string[]));
	rmSync(COVERAGE_DIRECTORY, {recursive: true, force: true});
	return answers;
}

/** Every operation that servers answer, with the statuses that the specification lists for it. */
function listOperations(): Map<string, readonly string[]> | undefined {
	const operations = new Map<string, readonly string[]>();
	for (const api of ['client-server', 'server-server']) {
		const text = readShared(`spec/openapi/${api}.json`);
		if (text === undefined) return undefined;
		for (const [path, methods] of Object.entries((JSON.parse(text.toString('utf8')) as Api).paths)) {
			for (const [method, {responses = {}}] of Object.entries(methods)) {
				operations.set(nameOf(api, method, path), Object.keys(responses));
			}
		}
	}
	return operations;
}

const operations = listOperations();
if (operations !== undefined) {
	const answers = takeAnswers();
	const names = [...operations.keys()];
	const answered = new Set([...answers].map((answer) => answer.slice(0, answer.lastIndexOf(' '))));
	const listed = [...operations].flatMap(([name, statuses]) => statuses.map((status) => answerOf(name, status)));
	const unseen = names.filter((name) => !answered.has(name));
	const counted = listed.filter((answer) => answers.has(answer)).length;
	console.log(
		`Conformance: answers of ${names.length - unseen.length} of ${names.length} operations were held against the ` +
			`specification, with ${counted} of the ${listed.length} statuses that it lists for them.`,
	);
	for (const name of unseen) console.log(`  no test had an answer of ${name}`);
}
