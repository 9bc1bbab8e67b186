/** An application service that names are reserved for, and that writes down whatever it is asked. */
import {writeFileSync} from 'node:fs';
import {createServer} from 'node:http';
import type {AddressInfo} from 'node:net';
import {join} from 'node:path';

/** What names of the service begin with. */
export const SERVICE_PREFIX = 'zzzz';

/** A service that should never hear of anything. */
export interface ListeningService {
	/** The file of its registration. */
	readonly file: string;
	/** Every request that came, as method and path. */
	readonly asked: readonly string[];
	stop(): void;
}

/** Starts it. @param directory where its registration is put */
export async function startService(directory: string): Promise<ListeningService> {
	const asked: string[] = [];
	const server = createServer(({method, url}, response) => {
		asked.push(`${method} ${url?.split('?')[0]}`);
		response.writeHead(404, {'content-type': 'application/json'}).end('{"errcode":"M_NOT_FOUND"}');
	});
	await new Promise<void>((resolve) => {
		server.listen(0, '127.0.0.1', resolve);
	});
	const {port} = server.address() as AddressInfo;
	const file = join(directory, 'service.yaml');
	const registration = {
		id: 'listening',
		url: `http://127.0.0.1:${port}`,
		as_token: 'as',
		hs_token: 'hs',
		sender_localpart: 'listening',
		protocols: ['irc'],
		namespaces: {
			users: [{exclusive: true, regex: `@${SERVICE_PREFIX}.*`}],
			aliases: [{exclusive: true, regex: `#${SERVICE_PREFIX}.*`}],
		},
	};
	writeFileSync(file, JSON.stringify(registration));
	return {
		file,
		asked,
		stop() {
			server.closeAllConnections();
			server.close();
		},
	};
}
