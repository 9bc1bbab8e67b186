import {chmodSync, rmSync, statSync} from 'node:fs';
import {createServer, type Server, type ServerOptions, STATUS_CODES} from 'node:http';
import {createServer as createTlsServer, Server as TlsServer} from 'node:https';
import type {AddressInfo} from 'node:net';
import type {Duplex} from 'node:stream';
import {standingHeaders, tlsHeaders} from './cors.ts';
import type {ExchangeContext} from './exchange.ts';
import {type ApplicationOptions, makeListener} from './koa.ts';
import {ListenError} from './listen-error.ts';
import type {ServedGroup} from './route.ts';
import {CertificateStore, type TlsFiles} from './tls.ts';

/** Where to listen and for what. */
export interface ListenerOptions {
	/** An IP address or a name of this machine; not with `path`. */
	readonly address?: string;
	/** 0 takes a free one. */
	readonly port?: number;
	/** A Unix socket. */
	readonly path?: string;
	readonly serves: readonly ServedGroup[];
	/** Certificates by the names in them; the first is for everybody else. Absent: plain HTTP. */
	readonly tls?: readonly TlsFiles[];
}

/** A running server: all its listeners. */
export interface HttpServer {
	/** One for each listener, in their order: `http://127.0.0.1:8008`, `unix:/run/broadsheet.sock`. */
	readonly addresses: readonly string[];
	/** Reads the certificates again. @returns what is wrong with each that is not usable, of which the old one stays */
	reloadCertificates(): readonly ListenError[];
	/**
	 * Stops accepting, tells long polls to answer, and ends what is not done by the deadline. Returns when every
	 * connection is closed.
	 */
	stop(deadlineMs?: number): Promise<void>;
}

const headerBytesMax = 16 * 1024;
const keepAliveTimeoutMs = 75_000;
/** Longer than a connection may be idle, or Node would end a request that begins at the end of an idle time. */
const headersTimeoutMs = 80_000;
/** Open connections of one listener: each costs memory, and the process has a limit of descriptors. */
const connectionsMax = 20_000;
const certificatesCheckMs = 60_000;
const stopMsMax = 8_000;

const serverOptions: ServerOptions = {
	maxHeaderSize: headerBytesMax,
	keepAliveTimeout: keepAliveTimeoutMs,
	headersTimeout: headersTimeoutMs,
	requestTimeout: 0,
	connectionsCheckingInterval: 5_000,
	noDelay: true,
	requireHostHeader: true,
	insecureHTTPParser: false,
};

/**
 * Starts every listener, or none.
 * @param checkMs how often it is looked whether files of certificates have changed
 * @throws ListenError saying which listener could not start, and why
 */
export async function startListeners<Services>(
	listeners: readonly ListenerOptions[],
	options: ApplicationOptions<Services>,
	checkMs = certificatesCheckMs,
): Promise<HttpServer> {
	const {context, log} = options;
	const started: Server[] = [];
	const reloads: ((force: boolean) => readonly ListenError[])[] = [];
	try {
		for (const listener of listeners) {
			const store = listener.tls === undefined ? undefined : new CertificateStore(listener.tls);
			const server = makeServer(options, listener, store);
			await listen(server, listener);
			started.push(server);
			if (store !== undefined && server instanceof TlsServer) {
				reloads.push((force) => {
					const {hasChanged, problems} = store.reload({force});
					if (hasChanged) server.setSecureContext({...store.first, minVersion: 'TLSv1.2'});
					return problems;
				});
			}
		}
	} catch (error) {
		for (const server of started) {
			server.close();
		}
		throw error;
	}
	const watch = setInterval(() => {
		for (const err of reloads.flatMap((reload) => reload(false))) log.error({err}, 'A certificate was not reloaded');
	}, checkMs);
	watch.unref();
	return {
		addresses: started.map((server, index) => addressText(server, listeners[index]!)),
		reloadCertificates: () => reloads.flatMap((reload) => reload(true)),
		stop: async (deadlineMs = stopMsMax) => {
			clearInterval(watch);
			await stopServers(started, context, deadlineMs);
		},
	};
}

function makeServer<Services>(
	options: ApplicationOptions<Services>,
	{serves}: ListenerOptions,
	store: CertificateStore | undefined,
): Server {
	const server: Server =
		store === undefined
			? createServer(serverOptions)
			: createTlsServer({
					...serverOptions,
					...store.first,
					ALPNProtocols: ['http/1.1'],
					minVersion: 'TLSv1.2',
					SNICallback: (name, done) => done(null, store.find(name)),
					handshakeTimeout: 10_000,
				});
	server.maxConnections = connectionsMax;
	const handle = makeListener(options, serves, store === undefined ? standingHeaders : tlsHeaders);
	server.on('request', handle);
	// The 100 is sent when a body is wanted, not before.
	server.on('checkContinue', handle);
	server.on('clientError', refuse);
	// Sockets of a connection that is over may still report a reset; a broken handshake is no news either.
	server.on('tlsClientError', (_error: Error, socket: Duplex) => socket.destroy());
	return server;
}

/** Answers what could not be read as a request, and ends the connection. */
function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
	if (error.code === 'ECONNRESET' || !socket.writable) {
		socket.destroy();
		return;
	}
	const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
	const body = JSON.stringify({errcode: 'M_UNKNOWN', error: STATUS_CODES[status] ?? 'Bad request'});
	const headers = {
		...standingHeaders,
		'content-type': 'application/json',
		'content-length': String(Buffer.byteLength(body)),
		connection: 'close',
	};
	const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
	socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body}`);
}

function listen(server: Server, {address, port, path}: ListenerOptions): Promise<void> {
	if (path !== undefined) {
		removeStaleSocket(path);
	}
	return new Promise((resolve, reject) => {
		const onError = (cause: NodeJS.ErrnoException): void => {
			const where = path ?? `${address ?? '*'} port ${port ?? 0}`;
			const why = cause.code === 'EADDRINUSE' ? 'another program listens there' : (cause.code ?? cause.message);
			reject(new ListenError(`Cannot listen on ${where}: ${why}`, {cause}));
		};
		server.once('error', onError);
		server.listen(path === undefined ? {host: address ?? '127.0.0.1', port: port ?? 0} : {path}, () => {
			server.off('error', onError);
			if (path !== undefined) {
				chmodSync(path, 0o660);
			}
			resolve();
		});
	});
}

/** A socket file that a crashed process left; anything else at that path is not ours to remove. */
function removeStaleSocket(path: string): void {
	if (statSync(path, {throwIfNoEntry: false})?.isSocket() === true) {
		rmSync(path);
	}
}

function addressText(server: Server, {path, tls}: ListenerOptions): string {
	if (path !== undefined) {
		return `unix:${path}`;
	}
	const {address, family, port} = server.address() as AddressInfo;
	const host = family === 'IPv6' ? `[${address}]` : address;
	return `${tls === undefined ? 'http' : 'https'}://${host}:${port}`;
}

async function stopServers(servers: readonly Server[], context: ExchangeContext, deadlineMs: number): Promise<void> {
	context.isStopping = true;
	const closed = servers.map(
		(server) =>
			new Promise<void>((resolve) => {
				server.close(() => resolve());
			}),
	);
	for (const exchange of context.underway) {
		exchange.abort('server-stopping');
	}
	const timer = setTimeout(() => {
		for (const server of servers) {
			server.closeAllConnections();
		}
	}, deadlineMs);
	await Promise.all(closed);
	clearTimeout(timer);
}
