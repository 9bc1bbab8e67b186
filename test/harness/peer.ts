import {once} from 'node:events';
import type {IncomingHttpHeaders} from 'node:http';
import {createServer} from 'node:https';
import type {AddressInfo, Socket} from 'node:net';
import {allocateAddress} from './addresses.ts';
import type {KeyPair} from './tls.ts';

/** A request that a peer got. */
export interface PeerRequest {
	readonly method: string;
	/** Path and query, as they came. */
	readonly url: string;
	readonly headers: IncomingHttpHeaders;
	/** The SNI of the connection, `false` or empty without one. */
	readonly serverName: string | false | undefined;
	readonly body: Buffer;
}

/** What a peer answers; a function as body writes by itself, for slow, endless and broken answers. */
export interface PeerAnswer {
	readonly status?: number;
	readonly headers?: Readonly<Record<string, string>>;
	readonly body?: string | Buffer | object | ((write: (chunk: string | Buffer) => boolean, end: () => void) => void);
}

/** An https server on a loopback address of its own, which answers as its test wants. */
export interface Peer extends AsyncDisposable {
	readonly address: string;
	readonly port: number;
	/** `address:port`, which is also a valid server name. */
	readonly name: string;
	readonly requests: readonly PeerRequest[];
	/** Connections accepted so far, with or without TLS handshake. */
	connectionCount(): number;
	/** Connections open now. */
	openConnectionCount(): number;
	/** Closes all connections from this side, and waits until they are closed. */
	dropConnections(): Promise<void>;
	stop(): Promise<void>;
}

export interface PeerOptions {
	readonly keyPair: KeyPair;
	readonly handle: (request: PeerRequest) => PeerAnswer | Promise<PeerAnswer>;
	/** Default: one that no other server of this process has. */
	readonly address?: string;
	/** Default: any free one. */
	readonly port?: number;
}

/** Starts a peer. */
export async function startPeer({keyPair, handle, address = allocateAddress(), port = 0}: PeerOptions): Promise<Peer> {
	const requests: PeerRequest[] = [];
	let connections = 0;
	const server = createServer(keyPair, (request, response) => {
		const chunks: Buffer[] = [];
		request.on('data', (chunk: Buffer) => chunks.push(chunk));
		request.on('end', () => {
			const seen: PeerRequest = {
				method: request.method ?? '',
				url: request.url ?? '',
				headers: request.headers,
				serverName: (request.socket as {servername?: string | false}).servername,
				body: Buffer.concat(chunks),
			};
			requests.push(seen);
			void Promise.resolve(handle(seen)).then(({status = 200, headers = {}, body = {}}) => {
				response.writeHead(status, {'content-type': 'application/json', ...headers});
				if (typeof body === 'function') {
					body(
						(chunk: string | Buffer) => !response.destroyed && response.write(chunk),
						() => response.end(),
					);
				} else {
					response.end(typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body));
				}
			});
		});
	});
	server.on('connection', () => connections++);
	await new Promise<void>((resolve, reject) => {
		server.once('error', reject);
		server.listen(port, address, resolve);
	});
	const bound = server.address() as AddressInfo;
	const stop = (): Promise<void> =>
		new Promise((resolve) => {
			server.close(() => resolve());
			server.closeAllConnections();
		});
	const open = new Set<Socket>();
	server.on('connection', (socket: Socket) => {
		open.add(socket);
		socket.on('close', () => open.delete(socket));
	});
	const dropConnections = async (): Promise<void> => {
		const closed = [...open].map((socket) => once(socket, 'close'));
		for (const socket of open) socket.destroy();
		await Promise.all(closed);
	};
	return {
		address,
		port: bound.port,
		name: `${address}:${bound.port}`,
		requests,
		connectionCount: () => connections,
		openConnectionCount: () => open.size,
		dropConnections,
		stop,
		[Symbol.asyncDispose]: stop,
	};
}
