import {type ChildProcess, spawn} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {MediaError} from './errors.ts';
import {exitCodes, type ThumbnailOrder} from './thumbnail-order.ts';

/** Pictures at once; each takes a core and some hundred MiB for a moment. */
const PROCESSES_MAX = 2;
/** Pictures that wait for their turn. More would wait longer than a client does. */
const WAITING_MAX = 64;
/** A thumbnail as large as the largest picture stays below this. */
const OUTPUT_BYTES_MAX = 32 << 20;
/** KiB of memory: a picture of 40 million points decoded, turned, and Node itself. */
const MEMORY_KIB_MAX = 1 << 20;
/** What the largest picture takes on a slow machine. It is the same however much else the machine has to do. */
const PROCESSOR_SECONDS_MAX = 5;
/** A process that gets no more of a busy machine than that, or waits for what never comes, frees its place all the same. */
const MAKING_MS_MAX = 30_000;

const program = fileURLToPath(new URL('thumbnail-program.js', import.meta.url));

/** What the process of one picture may take. */
export interface ThumbnailLimits {
	/** Default: 5. */
	readonly processorSecondsMax?: number;
	/** How long it may live, in milliseconds. Default: 30 seconds. */
	readonly makingMsMax?: number;
}

/** Makes thumbnails, each in a process of its own, a bounded number at a time. */
export class ThumbnailMaker {
	readonly #limits: Required<ThumbnailLimits>;
	readonly #waiting: (() => void)[] = [];
	#running = 0;

	constructor({processorSecondsMax = PROCESSOR_SECONDS_MAX, makingMsMax = MAKING_MS_MAX}: ThumbnailLimits = {}) {
		this.#limits = {processorSecondsMax, makingMsMax};
	}

	/**
	 * Makes one from an open file, whose place of reading is its beginning.
	 * @throws MediaError 'busy', 'no-thumbnail', 'too-large', 'took-too-long'
	 */
	async make(file: number, order: ThumbnailOrder): Promise<Buffer> {
		if (this.#running >= PROCESSES_MAX) {
			if (this.#waiting.length >= WAITING_MAX) throw new MediaError('busy', 'Too many pictures are asked for just now');
			// Whoever is done hands its place on.
			await new Promise<void>((resolve) => this.#waiting.push(resolve));
		} else {
			this.#running += 1;
		}
		try {
			return await run(file, order, this.#limits);
		} finally {
			const next = this.#waiting.shift();
			if (next === undefined) this.#running -= 1;
			else next();
		}
	}
}

async function run(
	file: number,
	order: ThumbnailOrder,
	{processorSecondsMax, makingMsMax}: Required<ThumbnailLimits>,
): Promise<Buffer> {
	// The shell sets what only the operating system can hold a process to, then becomes the program.
	const limits = `ulimit -c 0; ulimit -d ${MEMORY_KIB_MAX}; ulimit -t ${processorSecondsMax}; exec "$0" "$@"`;
	const child = spawn(
		'/bin/sh',
		['-c', limits, process.execPath, '--max-old-space-size=64', program, JSON.stringify(order)],
		{
			cwd: '/',
			env: {MALLOC_ARENA_MAX: '2'},
			stdio: [file, 'pipe', 'ignore'],
			timeout: makingMsMax,
			killSignal: 'SIGKILL',
		},
	);
	const {code, signal, output, isTooLarge} = await collect(child);
	if (code === 0 && output.length > 0) return output;
	if (code === exitCodes.tooManyPixels) throw new MediaError('too-large', 'This picture has too many points');
	// Whoever ended it, for its time or because the machine has no memory left: this says nothing of the picture.
	if (signal === 'SIGKILL' && !isTooLarge)
		throw new MediaError('took-too-long', 'Making this picture small took too long');
	throw new MediaError('no-thumbnail', 'This content cannot be shown in small');
}

interface Outcome {
	readonly code: number | null;
	readonly signal: NodeJS.Signals | null;
	readonly output: Buffer;
	/** Whether it was ended for what it wrote. */
	readonly isTooLarge: boolean;
}

function collect(child: ChildProcess): Promise<Outcome> {
	const chunks: Buffer[] = [];
	let sizeBytes = 0;
	child.stdout?.on('data', (chunk: Buffer) => {
		sizeBytes += chunk.length;
		if (sizeBytes > OUTPUT_BYTES_MAX) child.kill('SIGKILL');
		else chunks.push(chunk);
	});
	return new Promise((resolve, reject) => {
		child.once('error', (cause) => {
			reject(new MediaError('busy', 'No process can be started just now', {cause}));
		});
		child.once('close', (code, signal) => {
			resolve({code, signal, output: Buffer.concat(chunks), isTooLarge: sizeBytes > OUTPUT_BYTES_MAX});
		});
	});
}
