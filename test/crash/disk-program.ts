/**
 * A program to put on the disk of disk.c: does what its argument says in the directory of its second, prints what it may
 * call durable, and ends by SIGKILL.
 */
import {closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeFileSync, writeSync} from 'node:fs';
import {join} from 'node:path';
import Database from 'better-sqlite3';

const COMMITS = 200;

function sync(path: string): void {
	const fd = openSync(path, 'r');
	fsyncSync(fd);
	closeSync(fd);
}

function write(path: string, text: string, isSynced: boolean): void {
	const fd = openSync(path, 'a');
	writeSync(fd, text);
	if (isSynced) fsyncSync(fd);
	closeSync(fd);
}

function commitRows(directory: string, synchronous: 'FULL' | 'NORMAL'): void {
	const database = new Database(join(directory, 'rows.db'));
	database.pragma('journal_mode = WAL');
	database.pragma(`synchronous = ${synchronous}`);
	database.exec('CREATE TABLE rows (number INTEGER PRIMARY KEY, text TEXT)');
	const insert = database.prepare('INSERT INTO rows VALUES (?, ?)');
	for (let number = 0; number < COMMITS; number += 1) {
		insert.run(number, 'a text that fills some pages '.repeat(100));
		console.log(number);
		// Checkpoints by hand, at moments that leave rows on either side.
		if (number % 70 === 69) database.pragma('wal_checkpoint(PASSIVE)');
	}
}

const ACTIONS: Readonly<Record<string, (directory: string) => void>> = {
	write(directory) {
		write(join(directory, 'synced'), 'kept', true);
		write(join(directory, 'unsynced'), 'lost', false);
		sync(directory);
		write(join(directory, 'synced'), ' and lost', false);
		write(join(directory, 'nameless'), 'content is synced, the name is not', true);
	},
	rename(directory) {
		mkdirSync(join(directory, 'below'));
		write(join(directory, 'below/name'), 'old', true);
		sync(join(directory, 'below'));
		write(join(directory, 'below/fresh'), 'new', true);
		renameSync(join(directory, 'below/fresh'), join(directory, 'below/name'));
		write(join(directory, 'first'), 'moved', true);
		renameSync(join(directory, 'first'), join(directory, 'second'));
		sync(directory);
	},
	truncate(directory) {
		const file = join(directory, 'file');
		write(file, 'a long text', true);
		sync(directory);
		writeFileSync(file, 'short');
		sync(file);
	},
	full: (directory) => commitRows(directory, 'FULL'),
	normal: (directory) => commitRows(directory, 'NORMAL'),
	faults(directory) {
		// Tells the test each step, and goes on when it has answered: the faults are switched by then.
		const file = openSync(join(directory, 'file'), 'w');
		process.stdin.on('data', (line) => {
			const [step, text] = String(line).trim().split(' ');
			try {
				if (step === 'write') writeSync(file, text ?? '');
				else if (step === 'sync') fsyncSync(file);
				else if (step === 'names') sync(directory);
				console.log('done');
			} catch (error) {
				console.log(error instanceof Error && 'code' in error ? error.code : error);
			}
		});
	},
};

const [action = '', directory = ''] = process.argv.slice(2);
ACTIONS[action]?.(directory);
if (action !== 'faults') process.kill(process.pid, 'SIGKILL');
