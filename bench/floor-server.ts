/**
 * The least that a server of this kind can do, to tell a noisy machine from a slow server: koa takes a message, signs it
 * (Ed25519), stores it in SQLite with `synchronous=FULL` in one commit with whatever else came meanwhile, and answers.
 * It authenticates nobody by more than a map, orders nothing and checks nothing.
 *
 * Run as a process of its own: `floor-server.js DATABASE`; prints its port.
 */
import {createHash, generateKeyPairSync, randomBytes, sign} from 'node:crypto';
import type {IncomingMessage} from 'node:http';
import Database from 'better-sqlite3';
import Koa from 'koa';

const BODY_BYTES_MAX = 65_536;

interface Stored {
	readonly eventId: string;
	readonly json: string;
	settle(error?: unknown): void;
}

/** Opens the store; its function resolves when the event is on the disk. */
function openStore(file: string): (eventId: string, json: string) => Promise<void> {
	const database = new Database(file);
	database.pragma('journal_mode = WAL');
	database.pragma('synchronous = FULL');
	database.exec('CREATE TABLE IF NOT EXISTS events (pos INTEGER PRIMARY KEY, event_id TEXT UNIQUE, json TEXT)');
	const insert = database.prepare('INSERT INTO events (event_id, json) VALUES (?, ?)');
	let waiting: Stored[] = [];
	const commit = database.transaction((group: readonly Stored[]) => {
		for (const {eventId, json} of group) insert.run(eventId, json);
	});
	const flush = () => {
		const group = waiting;
		waiting = [];
		try {
			commit(group);
			for (const stored of group) stored.settle();
		} catch (error) {
			for (const stored of group) stored.settle(error);
		}
	};
	return (eventId, json) =>
		new Promise((resolve, reject) => {
			if (waiting.length === 0) setImmediate(flush);
			waiting.push({eventId, json, settle: (error) => (error === undefined ? resolve() : reject(error))});
		});
}

async function readBody(request: IncomingMessage): Promise<unknown> {
	const chunks: Buffer[] = [];
	let size = 0;
	for await (const chunk of request) {
		if (!Buffer.isBuffer(chunk)) throw new Error('expected bytes');
		size += chunk.length;
		if (size > BODY_BYTES_MAX) throw new Error(`expected at most ${BODY_BYTES_MAX} bytes`);
		chunks.push(chunk);
	}
	return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

function listen(file: string): void {
	const store = openStore(file);
	const {privateKey} = generateKeyPairSync('ed25519');
	const users = new Map([[`Bearer ${'0'.repeat(40)}`, '@floor:localhost']]);
	let previous = '$begin';
	const app = new Koa();
	app.use(async (context) => {
		const sender = users.get(context.get('authorization'));
		if (sender === undefined) context.throw(401);
		// Keys are in the canonical order as they stand.
		const event = {
			content: await readBody(context.req),
			depth: 1,
			origin_server_ts: Date.now(),
			prev_events: [previous],
			room_id: '!floor',
			sender,
			type: 'm.room.message',
		};
		const json = JSON.stringify(event);
		const hash = createHash('sha256').update(json).digest('base64url');
		const signature = sign(null, Buffer.from(json), privateKey).toString('base64');
		const eventId = `$${hash}${randomBytes(2).toString('hex')}`;
		previous = eventId;
		await store(eventId, JSON.stringify({...event, hashes: {sha256: hash}, signatures: {floor: signature}}));
		context.body = {event_id: eventId};
	});
	const server = app.listen(0, '127.0.0.1', () => {
		const address = server.address();
		if (address !== null && typeof address === 'object') console.log(address.port);
	});
}

listen(process.argv[2] ?? ':memory:');
// Ends with the program that started it, however that ends.
process.stdin.once('end', () => process.exit(0)).resume();
