/** What it takes to come into a large room of another server. */
import {REGISTRATION_SHARED_SECRET, startServers} from '../../test/harness/index.ts';
import {LoadClient} from '../load-client.ts';
import {type Figures, Stopwatch} from '../measure.ts';
import {createRoom, type Device, registerUsers} from '../population.ts';
import type {Bench, Scenario} from '../scenario.ts';

const MEMBERS = 500;
/** Each has all the members; one room is joined once only. The first is not counted: code is compiled, keys are fetched. */
const ROOMS = 4;
const CONNECTIONS = 8;
/** The room is known to the end when the partner's people see all of its members; who cannot wait says so. */
const KNOWN_WITHIN_MS = 60_000;
const CLIENT = '/_matrix/client/v3';

interface Side {
	readonly url: string;
	readonly pid: number | undefined;
	readonly sharedSecret: string | undefined;
}

/** An operation is one join; its time is that of the answer, and its price that of both servers until all members are known. */
export const remoteJoin: Scenario = {
	id: 'remote-join',
	about: `the first person of a server joins a room of ${MEMBERS} members on another; CPU of both until all members are known`,
	needsServer: false,
	findObstacle: ({isExternal, partnerUrl}) =>
		isExternal && partnerUrl === undefined ? 'no --partner-url that federates with --url' : undefined,
	async run(bench) {
		const {url, sharedSecret, pids, partnerUrl, partnerPid} = bench;
		if (partnerUrl !== undefined) {
			return [
				await measureJoins(bench, {url, pid: pids[0], sharedSecret}, {url: partnerUrl, pid: partnerPid, sharedSecret}),
			];
		}
		await using servers = await startServers(2);
		const [here, there] = servers.list.map(
			(server): Side => ({url: server.url, pid: server.pid, sharedSecret: REGISTRATION_SHARED_SECRET}),
		);
		if (here === undefined || there === undefined) throw new Error('expected two servers');
		return [await measureJoins(bench, here, there)];
	},
};

async function measureJoins(bench: Bench, here: Side, there: Side): Promise<Figures> {
	await using client = new LoadClient(here.url, CONNECTIONS);
	await using partner = new LoadClient(there.url, CONNECTIONS);
	const [creator, ...members] = await registerUsers({client, sharedSecret: here.sharedSecret}, MEMBERS);
	const [joiner] = await registerUsers({client: partner, sharedSecret: there.sharedSecret}, 1);
	if (creator === undefined || joiner === undefined) throw new Error('expected accounts on both servers');
	const rooms: string[] = [];
	for (let made = 0; made < ROOMS; made += 1) rooms.push(await createRoom(client, creator, members));
	const [first, ...others] = rooms;
	if (first === undefined) throw new Error('expected rooms');
	await join(partner, joiner, creator, first);
	await knowAll(partner, joiner, first);
	const title = `remote join, ${MEMBERS} members`;
	const watch = new Stopwatch(
		title,
		others.length,
		[here.pid, there.pid].filter((pid) => pid !== undefined),
	);
	for (const roomId of others.slice(0, bench.operationsMax)) {
		const begun = performance.now();
		await join(partner, joiner, creator, roomId);
		watch.add(performance.now() - begun);
		await knowAll(partner, joiner, roomId);
	}
	return watch.read();
}

async function join(partner: LoadClient, joiner: Device, {userId}: Device, roomId: string): Promise<void> {
	const via = encodeURIComponent(userId.slice(userId.indexOf(':') + 1));
	const path = `${CLIENT}/join/${encodeURIComponent(roomId)}?server_name=${via}&via=${via}`;
	await partner.call('POST', path, joiner.token, {});
}

async function knowAll(partner: LoadClient, joiner: Device, roomId: string): Promise<void> {
	const end = performance.now() + KNOWN_WITHIN_MS;
	const path = `${CLIENT}/rooms/${encodeURIComponent(roomId)}/joined_members`;
	for (;;) {
		const {joined} = await partner.call<{joined: object}>('GET', path, joiner.token);
		if (Object.keys(joined).length > MEMBERS) return;
		if (performance.now() > end) throw new Error(`expected all members of ${roomId} within ${KNOWN_WITHIN_MS} ms`);
	}
}
