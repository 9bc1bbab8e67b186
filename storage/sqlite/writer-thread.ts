import {type MessagePort, parentPort, receiveMessageOnPort, workerData} from 'node:worker_threads';
import {connect} from './connect.ts';
import {MessageReader, type Reply, type Request} from './protocol.ts';
import {GroupWriter, type Queued} from './writer.ts';

/** Pages in the write-ahead log that are not in the database yet, above which the writer moves them between commits. */
const checkpointPages = 4000;
/** Batches in one transaction: a bound on how long one commit takes. */
const groupMax = 1000;

/** What the writer thread is started with. */
export interface WriterData {
	readonly path: string;
	readonly statements: readonly string[];
}

const port = parentPort as MessagePort;
const {path, statements} = workerData as WriterData;
const db = connect(path, 'writer');
// The writer checkpoints when it chooses to, never inside somebody's commit.
db.pragma('wal_autocheckpoint = 0');
const pageSize = db.pragma('page_size', {simple: true}) as number;
const writer = new GroupWriter(db, statements);
const walState = db.prepare<[], {log: number; checkpointed: number}>('pragma wal_checkpoint(NOOP)');
const freePages = db.prepare<[], number>('pragma freelist_count').pluck();
const queue: Queued[] = [];
/** Pages that are asked for to be given back; each entry is answered. */
const reclaims: number[] = [];
let isClosing = false;

function take(request: Request): void {
	if (request === 'close') {
		isClosing = true;
		return;
	}
	if ('reclaim' in request) {
		reclaims.push(request.reclaim);
		return;
	}
	const reader = new MessageReader(request);
	while (!reader.isAtEnd) queue.push(reader.readBatch());
}

/** Takes what came while the last group was being written. */
function takeWaiting(): void {
	for (let message = receiveMessageOnPort(port); message !== undefined; message = receiveMessageOnPort(port)) {
		take(message.message as Request);
	}
}

/** Moves pages from the log into the database where many wait, and measures both. */
function checkpoint(): Omit<Reply, 'results'> {
	try {
		const state = walState.get() ?? {log: 0, checkpointed: 0};
		if (state.log - state.checkpointed > checkpointPages) db.pragma('wal_checkpoint(PASSIVE)');
		return {walBytes: Math.max(0, state.log) * pageSize, freeBytes: (freePages.get() ?? 0) * pageSize};
	} catch {
		// A full disk; the log stays and the next commit tries again.
		return {walBytes: 0, freeBytes: 0};
	}
}

function reclaim(pages: number): void {
	try {
		// Each page is a row of the answer: the statement ends when all are read.
		db.pragma(`incremental_vacuum(${pages})`);
	} catch {
		// The disk is full, or another process writes; the pages stay free for what is written next.
	}
}

function work(request: Request): void {
	take(request);
	takeWaiting();
	while (queue.length > 0) {
		const results = writer.write(queue.splice(0, groupMax));
		port.postMessage({results, ...checkpoint()} satisfies Reply);
		takeWaiting();
	}
	for (let pages = reclaims.shift(); pages !== undefined; pages = reclaims.shift()) {
		reclaim(pages);
		port.postMessage({results: [], ...checkpoint(), isReclaimed: true} satisfies Reply);
	}
	if (isClosing) {
		db.close();
		port.close();
	}
}

port.on('message', work);
