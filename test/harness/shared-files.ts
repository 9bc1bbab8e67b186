import {readFileSync} from 'node:fs';
import path from 'node:path';

/**
 * Reads a file of the folder `shared` beside the project, which holds the specification's vectors. Absent in a plain
 * clone: then says so, and the tests that need it must be skipped.
 */
export function readShared(relativePath: string): Buffer | undefined {
	const file = path.join(process.cwd(), '..', 'shared', relativePath);
	try {
		return readFileSync(file);
	} catch {
		console.log(`skipped: no ../shared/${relativePath} beside this project`);
		return undefined;
	}
}
