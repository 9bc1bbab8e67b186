/** A push gateway over TLS on loopback, and an application that may reach it. */
import {once} from 'node:events';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:https';
import type {AddressInfo} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {until} from '../../harness/index.ts';
import {createTestAuthority} from '../../harness/tls.ts';

/** What a gateway is told of. */
export interface Told {
	readonly event_id?: string;
	readonly room_id?: string;
	readonly prio: string;
	readonly counts?: Readonly<Record<string, number>>;
	readonly devices: readonly Readonly<Record<string, unknown>>[];
}

/** How a gateway answers. */
export interface GatewayAnswer {
	readonly status?: number;
	readonly rejected?: readonly string[];
}

/** A gateway that runs until the test ends. */
export interface Gateway {
	readonly url: string;
	/** Bodies as they came. */
	readonly bodies: string[];
	/** What requests are answered from now on. */
	answer: GatewayAnswer;
	/** For an application that trusts the gateway's certificate and may reach its address. */
	readonly config: {readonly federation: Readonly<Record<string, unknown>>};
	/** Waits until so many requests came, and gives what they said. */
	told(count: number): Promise<Told[]>;
}

/** Starts a gateway. */
export async function startGateway(t: ExecutionContext): Promise<Gateway> {
	const authority = createTestAuthority();
	const directory = mkdtempSync(join(tmpdir(), 'broadsheet-gateway-'));
	t.teardown(() => rmSync(directory, {recursive: true, force: true}));
	const file = join(directory, 'authority.pem');
	writeFileSync(file, authority.certificate);
	const bodies: string[] = [];
	const server = createServer(authority.issue(['127.0.0.1']), (request, response) => {
		let body = '';
		request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
		request.on('end', () => {
			bodies.push(body);
			const {status = 200, rejected = []} = gateway.answer;
			response.writeHead(status, {'content-type': 'application/json'}).end(JSON.stringify({rejected}));
		});
	}).listen(0, '127.0.0.1');
	await once(server, 'listening');
	t.teardown(() => {
		server.closeAllConnections();
		server.close();
	});
	const gateway: Gateway = {
		url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/_matrix/push/v1/notify`,
		bodies,
		answer: {},
		config: {
			federation: {mode: 'off', trusted_certificates: [file], allow_private_addresses: ['127.0.0.0/8']},
		},
		async told(count) {
			await until(() => bodies.length >= count, `${count} requests to the gateway`);
			return bodies.map((body) => (JSON.parse(body) as {notification: Told}).notification);
		},
	};
	return gateway;
}

/** A pusher that leads to a gateway. */
export const pusherTo = (url: string, more: Readonly<Record<string, unknown>> = {}) => ({
	app_display_name: 'Paper',
	app_id: 'org.example.paper',
	data: {url, brand: 'ours', ...more},
	device_display_name: 'Phone',
	kind: 'http',
	lang: 'en',
	pushkey: 'key',
});
