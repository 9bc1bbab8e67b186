/** Somebody with an account, whose client is nothing but requests: what the flows between servers are made of. */
import {
	type CallOptions,
	call,
	login,
	register,
	request,
	type ServerProcess,
	type Session,
	until,
} from '../../harness/index.ts';

const CLIENT = '/_matrix/client';
/** Delivery between two servers takes milliseconds; the rest is for a machine with other work, and a retry. */
const SEEN_WITHIN_MS = 30_000;

/** An event as clients get it. */
export interface ClientEvent {
	readonly event_id: string;
	readonly type: string;
	readonly sender: string;
	readonly state_key?: string;
	readonly content: Readonly<Record<string, unknown>>;
	readonly unsigned?: Readonly<Record<string, unknown>>;
}

interface List {
	readonly events?: readonly ClientEvent[];
}

/** An answer to /sync, as far as the flows read it. */
interface SyncAnswer {
	readonly next_batch: string;
	readonly rooms?: {
		readonly invite?: Readonly<Record<string, unknown>>;
		readonly knock?: Readonly<Record<string, unknown>>;
		readonly join?: Readonly<Record<string, {readonly timeline?: List; readonly ephemeral?: List}>>;
	};
	readonly presence?: List;
	readonly to_device?: List;
	readonly device_lists?: {readonly changed?: readonly string[]};
}

/** A session on one of the servers. */
export class Somebody {
	readonly server: ServerProcess;
	readonly session: Session;
	readonly #username: string;
	#since: string | undefined;
	#sent = 0;

	private constructor(server: ServerProcess, session: Session, username: string) {
		this.server = server;
		this.session = session;
		this.#username = username;
	}

	static async register(server: ServerProcess, username: string): Promise<Somebody> {
		return new Somebody(server, await register(server, username), username);
	}

	/** Signs the same account in on a new device. */
	async signInAgain(): Promise<Somebody> {
		return new Somebody(this.server, await login(this.server, this.#username), this.#username);
	}

	get userId(): string {
		return this.session.user_id;
	}

	/** Asks for a path below `/_matrix/client`; the answer must be 200. */
	call<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T> {
		return call<T>(this.server, method, CLIENT + path, this.#options(body));
	}

	/** The status that a request is answered with. */
	async statusOf(method: string, path: string, body?: unknown): Promise<number> {
		return (await request(this.server, method, CLIENT + path, this.#options(body))).status;
	}

	#options(body: unknown): CallOptions {
		return {token: this.session.access_token, ...(body !== undefined && {body})};
	}

	async createRoom(roomVersion: string, having: Readonly<Record<string, unknown>> = {}): Promise<string> {
		const body = {room_version: roomVersion, preset: 'private_chat', ...having};
		return (await this.call<{room_id: string}>('POST', '/v3/createRoom', body)).room_id;
	}

	async invite(roomId: string, guest: Somebody): Promise<void> {
		await this.call('POST', `${roomPath(roomId)}/invite`, {user_id: guest.userId});
	}

	/** Joins by a room's id or alias, with the help of somebody's server. */
	join(room: string, via: Somebody): Promise<unknown> {
		return this.call('POST', `/v3/join/${encodeURIComponent(room)}?${viaQuery(via)}`, {});
	}

	/** Invites `guest`, and waits until they have come in and both servers know. */
	async bringIn(roomId: string, guest: Somebody): Promise<void> {
		await this.invite(roomId, guest);
		await guest.isInvited(roomId);
		await guest.join(roomId, this);
		await this.sees(roomId, guest, 'join');
		await guest.sees(roomId, this, 'join');
	}

	async send(roomId: string, body: string): Promise<string> {
		this.#sent += 1;
		const path = `${roomPath(roomId)}/send/m.room.message/${this.session.device_id}-${this.#sent}`;
		return (await this.call<{event_id: string}>('PUT', path, {msgtype: 'm.text', body})).event_id;
	}

	async setState(roomId: string, type: string, content: unknown, stateKey = ''): Promise<string> {
		const path = `${roomPath(roomId)}/state/${type}/${encodeURIComponent(stateKey)}`;
		return (await this.call<{event_id: string}>('PUT', path, content)).event_id;
	}

	/** All of the room's state, or nothing for those who are not in it. */
	async readState(roomId: string): Promise<readonly ClientEvent[]> {
		const path = `${CLIENT}${roomPath(roomId)}/state`;
		const answer = await request<ClientEvent[]>(this.server, 'GET', path, this.#options(undefined));
		return answer.status === 200 ? answer.body : [];
	}

	/** Waits until a state event has this content here. */
	async seesState(roomId: string, type: string, isMeant: (content: ClientEvent['content']) => boolean): Promise<void> {
		await this.waitFor(`${type} in ${roomId}`, async () =>
			(await this.readState(roomId)).some((event) => event.type === type && isMeant(event.content)),
		);
	}

	/** Waits until somebody's membership is what is expected. */
	async sees(roomId: string, {userId}: Somebody, membership: string): Promise<void> {
		await this.waitFor(`${userId} with ${membership} in ${roomId}`, async () =>
			(await this.readState(roomId)).some(
				(event) =>
					event.type === 'm.room.member' && event.state_key === userId && event.content['membership'] === membership,
			),
		);
	}

	/** Waits until an event can be read here, as it is when `isMeant` says so. */
	async seesEvent(
		roomId: string,
		eventId: string,
		isMeant: (event: ClientEvent) => boolean = () => true,
	): Promise<void> {
		const path = `${CLIENT}${roomPath(roomId)}/event/${encodeURIComponent(eventId)}`;
		await this.waitFor(`${eventId} of ${roomId}`, async () => {
			const answer = await request<ClientEvent>(this.server, 'GET', path, this.#options(undefined));
			return answer.status === 200 && isMeant(answer.body);
		});
	}

	/** Waits until an event is found by scrolling back, which is when older history is fetched. */
	async readsBack(roomId: string, eventId: string): Promise<void> {
		await this.waitFor(`${eventId} in the history of ${roomId}`, async () => {
			const page = `${roomPath(roomId)}/messages?dir=b&limit=100`;
			const {chunk} = await this.call<{chunk: readonly ClientEvent[]}>('GET', page);
			return chunk.some((event) => event.event_id === eventId);
		});
	}

	async isInvited(roomId: string): Promise<void> {
		await this.waitFor(`an invite to ${roomId}`, async () => (await this.sync()).rooms?.invite?.[roomId] !== undefined);
	}

	/** Waits until a room is among the invites no longer. */
	async isNotInvited(roomId: string): Promise<void> {
		await this.waitFor(`no invite to ${roomId}`, async () => (await this.sync()).rooms?.invite?.[roomId] === undefined);
	}

	/** Everything anew, without a token. */
	sync(): Promise<SyncAnswer> {
		return this.call<SyncAnswer>('GET', '/v3/sync?timeout=0');
	}

	/** Takes from /sync what came since the last time this was asked, until something of it is what is waited for. */
	async follow(what: string, isMeant: (answer: SyncAnswer) => boolean): Promise<void> {
		await this.waitFor(what, async () => {
			const since = this.#since === undefined ? 'timeout=0' : `timeout=1000&since=${encodeURIComponent(this.#since)}`;
			const answer = await this.call<SyncAnswer>('GET', `/v3/sync?${since}`);
			this.#since = answer.next_batch;
			return isMeant(answer);
		});
	}

	/** Forgets what came until now, so that {@link follow} gives only what comes after it. */
	async catchUp(): Promise<void> {
		this.#since = (await this.sync()).next_batch;
	}

	async waitFor(what: string, probe: () => Promise<boolean>): Promise<void> {
		await until(probe, `${this.userId} to see ${what}`, SEEN_WITHIN_MS);
	}
}

export const roomPath = (roomId: string): string => `/v3/rooms/${encodeURIComponent(roomId)}`;

/** Names a server that knows the room, in the old way and in the new one. */
export function viaQuery({server}: Somebody): string {
	const name = encodeURIComponent(server.name);
	return `server_name=${name}&via=${name}`;
}
