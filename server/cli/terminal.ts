import {createInterface} from 'node:readline';
import {Writable} from 'node:stream';
import type {Terminal} from './command.ts';

/** Longer input is no secret that anybody types. */
const secretCharactersMax = 10_000;

/** The process's own terminal, or the pipes in its place. */
export function processTerminal(): Terminal {
	const isInteractive = process.stdin.isTTY;
	return {
		isInteractive,
		environment: process.env,
		print: (text) => {
			process.stdout.write(`${text}\n`);
		},
		printError: (text) => {
			process.stderr.write(`${text}\n`);
		},
		async readSecret(prompt) {
			if (!isInteractive) {
				return readLine(false);
			}
			process.stderr.write(prompt);
			const secret = await readLine(true);
			process.stderr.write('\n');
			return secret;
		},
	};
}

/** Reads one line of standard input, showing nothing of it; the empty text at its end. */
function readLine(isTerminal: boolean): Promise<string> {
	const silence = new Writable({write: (_chunk, _encoding, done) => done()});
	const reader = createInterface({input: process.stdin, output: silence, terminal: isTerminal});
	return new Promise((resolve) => {
		reader.once('line', (line) => {
			resolve(line.slice(0, secretCharactersMax));
			reader.close();
		});
		reader.once('close', () => resolve(''));
	});
}
