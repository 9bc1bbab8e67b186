import {createConnection, createServer, type AddressInfo, type Socket} from 'node:net';
import {Client} from 'pg';
import {type Storage, StorageError} from '../../storage/index.ts';
import type {RoomId} from '../../crypto/index.ts';
import {getPostgres, onPostgres} from './databases.ts';
import {account, addLive, alice, bob, eventId, write} from './rows.ts';

/** A wire to PostgreSQL that can be cut at a COMMIT. */
class Wire implements AsyncDisposable {
	/** What happens at the next COMMIT. */
	cut: 'never' | 'before' | 'after' = 'never';
	readonly #sockets = new Set<Socket>();
	readonly #server = createServer((client) => this.#connect(client));
	readonly #target: URL;

	constructor(target: string) {
		this.#target = new URL(target);
	}

	async open(): Promise<string> {
		await new Promise<void>((resolve) => {
			this.#server.listen(0, '127.0.0.1', resolve);
		});
		const url = new URL(this.#target);
		url.hostname = '127.0.0.1';
		url.port = String((this.#server.address() as AddressInfo).port);
		return url.href;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const socket of this.#sockets) socket.destroy();
		await new Promise((resolve) => {
			this.#server.close(resolve);
		});
	}

	#connect(client: Socket): void {
		const server = createConnection({host: this.#target.hostname, port: Number(this.#target.port)});
		for (const socket of [client, server]) {
			this.#sockets.add(socket);
			socket.on('error', () => undefined);
			socket.on('close', () => {
				client.destroy();
				server.end();
			});
		}
		server.on('data', (data) => client.write(data));
		client.on('data', (data: Buffer) => {
			if (this.cut === 'never' || !data.includes('commit\0')) {
				server.write(data);
				return;
			}
			if (this.cut === 'after') server.write(data);
			this.cut = 'never';
			client.destroy();
		});
	}
}

const codeOf = (promise: Promise<unknown>) =>
	promise.then(
		() => 'written',
		(error: unknown) => (error instanceof StorageError ? error.code : String(error)),
	);

/** Waits until a look gives what is expected. */
async function until(look: () => Promise<boolean>): Promise<void> {
	while (!(await look())) {
		await new Promise((resolve) => {
			setTimeout(resolve, 20);
		});
	}
}

const add = (storage: Storage, user: typeof alice, name: string) =>
	write(storage, (batch) => {
		storage.accounts.add(batch, account(user));
		addLive(storage, batch, {eventId: eventId(name), roomId: `!${name}:a.example` as RoomId});
	});

for (const cut of ['before', 'after'] as const) {
	onPostgres(
		`a connection lost ${cut} the server has COMMIT is an unknown outcome, and the next commit works`,
		async (t, database) => {
			await using wire = new Wire(database.url);
			const storage = await database.open({url: await wire.open()});
			const delivered: number[] = [];
			storage.onCommitted((changes) => delivered.push(...changes.map(({pos}) => pos)));
			wire.cut = cut;
			t.is(await codeOf(add(storage, alice, 'x')), 'outcome_unknown');
			const direct = await database.open();
			// The server may still be at it when the connection is gone.
			if (cut === 'after') await until(async () => (await direct.accounts.find(alice)) !== undefined);
			t.is((await storage.accounts.find(alice)) !== undefined, cut === 'after');
			t.is(await codeOf(add(storage, bob, 'y')), 'written');
			t.is((await storage.events.findByIds([eventId('x'), eventId('y')])).size, cut === 'after' ? 2 : 1);
			await storage.barrier();
			t.deepEqual(delivered, cut === 'after' ? [1, 2] : [1]);
			await database.close(storage);
		},
	);
}

onPostgres(
	'while the server is down nothing is written and callers are told, and it is used again when it is back',
	async (t, database) => {
		const storage = await database.open();
		const server = await getPostgres();
		await add(storage, alice, 'x');
		await server.kill();
		t.is(await codeOf(add(storage, bob, 'y')), 'unavailable');
		t.is(await codeOf(storage.accounts.find(alice)), 'unavailable');
		t.is(await codeOf(storage.barrier()), 'unavailable');
		await server.start();
		t.is(await codeOf(add(storage, bob, 'y')), 'written');
		t.truthy(await storage.accounts.find(alice));
		t.is((await storage.events.findById(eventId('x')))?.anchor, 1);
		t.is((await storage.events.findById(eventId('y')))?.anchor, 2);
	},
);

onPostgres('processes that move one room head in turns never wait for each other in a circle', async (t, database) => {
	const storages = [await database.open(), await database.open(), await database.open()];
	const room = '!busy:a.example' as RoomId;
	await write(storages[0]!, (batch) => storages[0]!.rooms.add(batch, {roomId: room, version: '11', creator: alice}));
	let moves = 0;
	await Promise.all(
		storages.map(async (storage, process) => {
			for (let done = 0; done < 15; ) {
				const head = await storage.rooms.find(room);
				const isState = (moves + process) % 2 === 0;
				const code = await codeOf(
					write(storage, (batch) => {
						const {anchor} = addLive(storage, batch, {eventId: eventId(`${process}-${done}-${moves++}`), roomId: room});
						const pos = isState ? anchor : null;
						const from = {fromVersion: head!.headVersion, fromExtremities: []};
						const rest = {extremities: [], depth: 1, notifyCount: 0, isPartial: false};
						storage.rooms.moveHead(batch, {roomId: room, ...from, root: 0, pos, ...rest});
					}),
				);
				if (code === 'written') done++;
				else t.is(code, 'conflict');
			}
		}),
	);
	t.is((await storages[0]!.rooms.find(room))?.headVersion, 45);
	const client = new Client({connectionString: database.url});
	await client.connect();
	await client.query('select pg_stat_force_next_flush()');
	const {rows} = await client.query<{deadlocks: string}>(
		'select deadlocks from pg_stat_database where datname = current_database()',
	);
	await client.end();
	t.is(Number(rows[0]?.deadlocks), 0);
});
