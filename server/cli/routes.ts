import {routeTables} from '../api/index.ts';

/** Prints every endpoint, or those whose line has the given words: `npm run routes -- rooms/leave`. */
function main(words: readonly string[]): void {
	const rows = routeTables.flatMap(({serves, routes}) =>
		routes.map(({method, path, alsoAt, id, auth, rateLimit, work, body, bodyBytesMax}) => [
			method,
			path + (alsoAt.length === 0 ? '' : ` (+${alsoAt.length})`),
			id,
			auth,
			rateLimit,
			work,
			body === undefined ? '-' : `${bodyBytesMax / 1024} KiB`,
			serves,
		]),
	);
	const widths = [0, 1, 2, 3, 4, 5, 6].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
	const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
	// Parameters may stand between the words of a path: `rooms/leave` finds `/rooms/:roomId/leave`.
	const found = lines.filter((line) => words.every((word) => word.split('/').every((part) => line.includes(part))));
	process.stdout.write(`${found.join('\n')}\n${found.length} of ${lines.length} endpoints\n`);
}

main(process.argv.slice(2));
