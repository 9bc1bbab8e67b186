/**
 * A disk that can lose power, run full and fail, for a server that runs as a process: the library of disk.c, built here
 * when first asked for, and what a test does with it.
 */
import {execFileSync} from 'node:child_process';
import {
	chmodSync,
	chownSync,
	closeSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	openSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	writeFileSync,
	writeSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {SeededRandom} from '../harness/index.ts';

const SOURCES = ['disk.c', 'disk-calls.c', 'disk-faults.c'].map((name) => join(process.cwd(), 'test/crash', name));
const PAGE_BYTES = 4_096;

let built: {readonly library: string} | {readonly skipped: string} | undefined;

/** Builds the library; once for each test process. Where there is no C compiler, says so. */
export function buildDisk(): {readonly library: string} | {readonly skipped: string} {
	built ??= build();
	return built;
}

function build(): {readonly library: string} | {readonly skipped: string} {
	if (process.platform !== 'linux') return {skipped: 'the disk library is for Linux'};
	const directory = mkdtempSync(join(tmpdir(), 'broadsheet-disk-'));
	process.on('exit', () => rmSync(directory, {recursive: true, force: true}));
	// PostgreSQL runs as another user than the tests where those run as root.
	chmodSync(directory, 0o755);
	const library = join(directory, 'disk.so');
	const flags = ['-std=gnu11', '-O2', '-shared', '-fPIC', '-o', library];
	try {
		execFileSync('gcc', [...flags, ...SOURCES, '-ldl', '-lpthread'], {stdio: 'pipe'});
		return {library};
	} catch (cause) {
		if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') {
			return {skipped: 'no C compiler (gcc) to build the disk library'};
		}
		throw cause;
	}
}

/** Decides for each page that was written but not made durable whether it reached the disk all the same. */
export type Survival = 'durable-only' | {readonly random: SeededRandom};

/** What a disk is told at the start. */
export interface DiskOptions {
	/** The directory that lies on the disk; made if absent. */
	readonly data: string;
	/** An fsync carries the whole file: for programs of several processes, such as PostgreSQL. */
	readonly isWhole?: boolean;
	/** An fsync of a file makes its name durable too, as ext4 and xfs do: for programs that count on it. */
	readonly hasNames?: boolean;
	/** Who runs the program, where that is not the test's own user. */
	readonly owner?: {readonly uid: number; readonly gid: number};
	/** Writes fail with ENOSPC once so many bytes have been written. */
	readonly quotaBytes?: number;
}

/** One data directory's disk. Dispose of it to remove the shadow. */
export class Disk implements Disposable {
	readonly #options: DiskOptions;
	readonly #library: string;
	readonly #own: string;

	constructor(library: string, options: DiskOptions) {
		this.#library = library;
		this.#options = options;
		this.#own = mkdtempSync(join(tmpdir(), 'broadsheet-shadow-'));
		mkdirSync(this.#control);
		mkdirSync(options.data, {recursive: true});
		if (options.owner !== undefined) chownSync(this.#own, options.owner.uid, options.owner.gid);
	}

	get #control(): string {
		return join(this.#own, 'control');
	}

	get #tree(): string {
		return join(this.#own, 'shadow/tree');
	}

	/** What a program's environment must hold to live on this disk. */
	get environment(): Record<string, string> {
		const {data, isWhole, hasNames, quotaBytes} = this.#options;
		return {
			LD_PRELOAD: this.#library,
			DISK_DATA: data,
			DISK_SHADOW: join(this.#own, 'shadow'),
			DISK_CONTROL: this.#control,
			...(isWhole === true && {DISK_WHOLE: '1'}),
			...(hasNames === true && {DISK_NAMES: '1'}),
			...(quotaBytes !== undefined && {DISK_QUOTA: String(quotaBytes)}),
			UV_USE_IO_URING: '0',
		};
	}

	/**
	 * Leaves in the data directory what is found there after the power came back. The program must have ended by
	 * SIGKILL. A page that was written but not made durable is lost, or kept by the toss of a coin.
	 */
	losePower(survival: Survival = 'durable-only'): void {
		const {data} = this.#options;
		if (!existsSync(this.#tree)) throw new Error('expected a program to have run on this disk');
		if (survival !== 'durable-only') mixPages(data, this.#tree, survival.random);
		rmSync(data, {recursive: true});
		// With owners and modes, which PostgreSQL looks at.
		execFileSync('cp', ['-a', this.#tree, data]);
	}

	/** From now on nothing more can be written. */
	fill(): void {
		writeFileSync(join(this.#control, 'enospc'), '');
	}

	/** There is room again. */
	makeRoom(): void {
		rmSync(join(this.#control, 'enospc'), {force: true});
	}

	/** Whether fsync fails from now on. */
	setSyncFailure(isFailing: boolean): void {
		const file = join(this.#control, 'eio');
		if (isFailing) writeFileSync(file, '');
		else rmSync(file, {force: true});
	}

	[Symbol.dispose](): void {
		rmSync(this.#own, {recursive: true, force: true});
	}
}

/** Lets some of the real files' pages into the durable ones, where names are durable. */
function mixPages(real: string, durable: string, random: SeededRandom): void {
	for (const entry of readdirSync(durable, {withFileTypes: true})) {
		const from = join(real, entry.name);
		const to = join(durable, entry.name);
		if (!existsSync(from)) continue;
		if (entry.isDirectory()) mixPages(from, to, random);
		else if (entry.isFile() && statSync(from).isFile()) mixFile(from, to, random);
	}
}

function mixFile(from: string, to: string, random: SeededRandom): void {
	const written = readFileSync(from);
	const kept = readFileSync(to);
	const file = openSync(to, 'r+');
	for (let offset = 0; offset < written.length; offset += PAGE_BYTES) {
		const page = written.subarray(offset, offset + PAGE_BYTES);
		if (page.equals(kept.subarray(offset, offset + PAGE_BYTES)) || !random.chance(0.5)) continue;
		writeSync(file, page, 0, page.length, offset);
	}
	closeSync(file);
}
