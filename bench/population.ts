/** Accounts and rooms that the scenarios need, made over the client-server API like any client would. */
import {createHmac, randomBytes} from 'node:crypto';
import type {LoadClient} from './load-client.ts';
import {forEachOf} from './measure.ts';

/** At most so many requests at a time while a scenario is prepared: registration costs the server a password hash each. */
const PREPARING_MAX = 8;

/** A signed-in device. */
export interface Device {
	readonly userId: string;
	readonly token: string;
}

/** The answer of registration and login. */
interface SessionAnswer {
	readonly user_id: string;
	readonly access_token: string;
}

const CLIENT = '/_matrix/client/v3';
const passwordOf = (localpart: string) => `bench ${localpart}`;

/** Names of this run begin with this, so that a server can be measured again without being made anew. */
const RUN = randomBytes(4).toString('hex');
let registered = 0;

/** A new account's localpart. */
function allocateLocalpart(): string {
	registered += 1;
	return `b${RUN}-${registered}`;
}

/** How accounts come to be on the server under load. */
export interface Population {
	readonly client: LoadClient;
	readonly sharedSecret: string | undefined;
}

/** Registers `count` accounts. */
export async function registerUsers(population: Population, count: number): Promise<Device[]> {
	const devices: Device[] = [];
	await forEachOf(count, PREPARING_MAX, async () => {
		devices.push(await registerUser(population, allocateLocalpart()));
	});
	return devices;
}

/** Registers one account and logs it in on `count` devices. */
export async function registerWithDevices(population: Population, count: number): Promise<Device[]> {
	const localpart = allocateLocalpart();
	const devices = [await registerUser(population, localpart)];
	await forEachOf(count - 1, PREPARING_MAX, async () => {
		const answer = await population.client.call<SessionAnswer>('POST', `${CLIENT}/login`, undefined, {
			type: 'm.login.password',
			identifier: {type: 'm.id.user', user: localpart},
			password: passwordOf(localpart),
		});
		devices.push({userId: answer.user_id, token: answer.access_token});
	});
	return devices;
}

async function registerUser({client, sharedSecret}: Population, username: string): Promise<Device> {
	const password = passwordOf(username);
	const answer =
		sharedSecret === undefined
			? await registerOpenly(client, username, password)
			: await registerBySecret(client, sharedSecret, username, password);
	return {userId: answer.user_id, token: answer.access_token};
}

async function registerOpenly(client: LoadClient, username: string, password: string): Promise<SessionAnswer> {
	const body = {username, password, auth: {type: 'm.login.dummy'}};
	const first = await client.send('POST', `${CLIENT}/register`, undefined, body);
	const answer: SessionAnswer & {session?: string} = JSON.parse(first.text);
	if (first.status === 200) return answer;
	const {session} = answer;
	if (session === undefined) {
		throw new Error(`register: expected a session, got ${first.status} ${first.text.slice(0, 200)}`);
	}
	return client.call('POST', `${CLIENT}/register`, undefined, {...body, auth: {type: 'm.login.dummy', session}});
}

/** @see https://element-hq.github.io/synapse/latest/admin_api/register_api.html */
async function registerBySecret(
	client: LoadClient,
	secret: string,
	username: string,
	password: string,
): Promise<SessionAnswer> {
	const path = '/_synapse/admin/v1/register';
	const {nonce} = await client.call<{nonce: string}>('GET', path);
	const mac = createHmac('sha1', secret).update([nonce, username, password, 'notadmin'].join('\0')).digest('hex');
	return client.call('POST', path, undefined, {nonce, username, password, admin: false, mac});
}

/** Creates a room that anyone of the server may join, and lets `others` join it. */
export async function createRoom(client: LoadClient, creator: Device, others: readonly Device[]): Promise<string> {
	const body = {preset: 'public_chat', room_version: '11'};
	const {room_id: roomId} = await client.call<{room_id: string}>('POST', `${CLIENT}/createRoom`, creator.token, body);
	await forEachOf(others.length, PREPARING_MAX, async (index) => {
		await client.call('POST', `${CLIENT}/join/${encodeURIComponent(roomId)}`, others[index]?.token, {});
	});
	return roomId;
}

/** Sends one text message. `transactionId` is the caller's, and new each time. */
export async function sendMessage(
	client: LoadClient,
	device: Device,
	roomId: string,
	transactionId: string,
): Promise<void> {
	const path = `${CLIENT}/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${transactionId}`;
	const {status, text} = await client.send('PUT', path, device.token, {
		msgtype: 'm.text',
		body: `A sentence of the usual length, as people write them to each other all day long. ${transactionId}`,
	});
	if (status !== 200) throw new Error(`send: expected 200, got ${status} ${text.slice(0, 200)}`);
}

/** One answer of /sync, as far as the scenarios look at it. */
export interface SyncAnswer {
	readonly next_batch: string;
	readonly rooms?: {
		readonly join?: Record<
			string,
			{timeline?: {events?: readonly {type: string; sender: string; content: {body?: string}}[]}}
		>;
	};
}

/** Asks /sync; a waiting time of 0 is a question about the present. `timelineMax`: events of each room, if not the usual number. */
export function sync(
	client: LoadClient,
	device: Device,
	since: string | undefined,
	timeoutMs = 0,
	timelineMax?: number,
): Promise<SyncAnswer> {
	const filter = timelineMax === undefined ? '' : JSON.stringify({room: {timeline: {limit: timelineMax}}});
	const suffix = filter === '' ? '' : `&filter=${encodeURIComponent(filter)}`;
	return client.call('GET', `${syncPath(since, timeoutMs)}${suffix}`, device.token);
}

/** The path of a /sync request, which leaves presence alone. */
export function syncPath(since: string | undefined, timeoutMs: number): string {
	const after = since === undefined ? '' : `&since=${encodeURIComponent(since)}`;
	return `${CLIENT}/sync?set_presence=offline&timeout=${timeoutMs}${after}`;
}
