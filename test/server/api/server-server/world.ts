import type {ExecutionContext} from 'ava';
import type {RoomId, UserId} from '../../../../crypto/index.ts';
import {
	type App,
	call,
	type KnownRoom,
	path,
	register,
	type Session,
	type SignedPeer,
	startNeighbours,
	until,
} from '../../../harness/index.ts';

/** Somebody of the server under test, who has a room. */
export interface Host {
	readonly app: App;
	readonly alice: Session;
	readonly peers: readonly SignedPeer[];
	readonly peer: SignedPeer;
	createRoom(options?: RoomOptions): Promise<RoomId>;
}

export interface RoomOptions {
	readonly version?: string;
	/** Default: `public_chat`, which anybody may join. */
	readonly preset?: string;
	readonly initialState?: readonly object[];
	readonly invite?: readonly string[];
}

/** Starts an application with one user, and `count` peers. */
export async function startHost(
	t: ExecutionContext,
	count = 1,
	configure?: Parameters<typeof startNeighbours>[2],
): Promise<Host> {
	const {app, peers} = await startNeighbours(t, count, configure);
	const alice = await register(app, 'alice');
	return {
		app,
		alice,
		peers,
		peer: peers[0]!,
		async createRoom({version = '11', preset = 'public_chat', initialState = [], invite = []} = {}) {
			const body = {room_version: version, preset, initial_state: initialState, invite};
			const {room_id: roomId} = await call<{room_id: RoomId}>(app, 'POST', '/_matrix/client/v3/createRoom', {
				token: alice.access_token,
				body,
			});
			return roomId;
		},
	};
}

/** A room of alice in which bob of the peer is. */
export async function startShared(
	t: ExecutionContext,
	options: RoomOptions = {},
	configure?: Parameters<typeof startNeighbours>[2],
): Promise<Host & {readonly roomId: RoomId; readonly bob: UserId; readonly room: KnownRoom}> {
	const host = await startHost(t, 1, configure);
	const roomId = await host.createRoom(options);
	const bob = host.peer.userId('bob');
	return {...host, roomId, bob, room: await host.peer.join(roomId, bob)};
}

interface Chunk {
	readonly chunk: readonly {readonly event_id: string; readonly type: string; readonly content: {body?: string}}[];
}

/** Lists the events of a room as alice sees them, newest first. */
export async function timeline({app, alice}: Pick<Host, 'app' | 'alice'>, roomId: string): Promise<Chunk['chunk']> {
	const uri = `/_matrix/client/v3/rooms/${path(roomId)}/messages?dir=b&limit=100`;
	return (await call<Chunk>(app, 'GET', uri, {token: alice.access_token})).chunk;
}

/** What was said in a room, oldest first. */
export async function bodies(host: Pick<Host, 'app' | 'alice'>, roomId: string): Promise<(string | undefined)[]> {
	const chunk = await timeline(host, roomId);
	return chunk
		.filter(({type}) => type === 'm.room.message')
		.map(({content}) => content.body)
		.toReversed();
}

/** Waits until something was said in a room. */
export async function hear(host: Pick<Host, 'app' | 'alice'>, roomId: string, body: string): Promise<void> {
	await until(async () => (await bodies(host, roomId)).includes(body), `the message ${body}`);
}

/** Sends a message as alice. */
export function say({app, alice}: Pick<Host, 'app' | 'alice'>, roomId: string, body: string, txnId = body) {
	const uri = `/_matrix/client/v3/rooms/${path(roomId)}/send/m.room.message/${path(txnId)}`;
	return call<{event_id: string}>(app, 'PUT', uri, {token: alice.access_token, body: {msgtype: 'm.text', body}});
}

/** Sets state as alice. */
export function setState(
	{app, alice}: Pick<Host, 'app' | 'alice'>,
	roomId: string,
	type: string,
	content: object,
	stateKey = '',
) {
	const uri = `/_matrix/client/v3/rooms/${path(roomId)}/state/${type}/${path(stateKey)}`;
	return call<{event_id: string}>(app, 'PUT', uri, {token: alice.access_token, body: content});
}

/** Who is in a room, as alice sees it. */
export function joinedMembers(
	{app, alice}: Pick<Host, 'app' | 'alice'>,
	roomId: string,
): Promise<{joined: Record<string, unknown>}> {
	return call(app, 'GET', `/_matrix/client/v3/rooms/${path(roomId)}/joined_members`, {token: alice.access_token});
}
