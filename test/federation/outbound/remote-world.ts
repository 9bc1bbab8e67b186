/** A room on one server, and another server from which people want to get in. */
import type {ExecutionContext} from 'ava';
import {
	generateSigningKey,
	type JsonObject,
	type JsonValue,
	type RoomId,
	readStrictJson,
	type ServerName,
	type SigningKey,
	type UserId,
} from '../../../crypto/index.ts';
import {
	createRemoteRooms,
	createSignatureChecker,
	type FederationRequest,
	OutboundError,
	RemoteError,
	RemoteRoomError,
	type RemoteRooms,
	type RemoteRoomsOptions,
} from '../../../federation/outbound/index.ts';
import {parsePdu, type RoomVersionId} from '../../../federation/rooms/index.ts';
import {firstEvents, makeEngine, type TestEngine} from '../../harness/engine.ts';

export const one = 'one.test' as ServerName;
export const two = 'two.test' as ServerName;
export const alice = '@alice:one.test' as UserId;
export const bob = '@bob:two.test' as UserId;

export interface World {
	readonly resident: TestEngine;
	readonly joining: TestEngine;
	readonly remote: RemoteRooms;
	readonly residentKey: SigningKey;
	readonly requests: FederationRequest[];
	/** Changes what the resident server answers. */
	tamper: (answer: JsonObject, request: FederationRequest) => JsonValue;
	roomId: RoomId;
}

/** A room on one.test, and two.test from which people want to get in. */
export async function createWorld(
	t: ExecutionContext,
	version: RoomVersionId = '11',
	joinRule = 'public',
	options: Pick<RemoteRoomsOptions, 'fastJoins'> = {},
): Promise<World> {
	const keys = {[one]: generateSigningKey(), [two]: generateSigningKey()} as Record<ServerName, SigningKey>;
	const keyring = {
		findVerifyKey: ({server, keyId}: {server: ServerName; keyId: string}) =>
			Promise.resolve(keys[server]?.keyId === keyId ? keys[server].publicKey : undefined),
	};
	const signatures = createSignatureChecker(keyring);
	const residentKey = keys[one] as SigningKey;
	const resident = await makeEngine(one, {over: {signer: residentKey, signatures}});
	const joining = await makeEngine(two, {over: {signer: keys[two] as SigningKey, signatures}});
	t.teardown(async () => {
		await resident[Symbol.asyncDispose]();
		await joining[Symbol.asyncDispose]();
	});
	const {roomId} = await resident.engine.createRoom({version, events: firstEvents(version, alice, joinRule)});
	const requests: FederationRequest[] = [];
	const world: Omit<World, 'remote'> = {
		resident,
		joining,
		residentKey,
		requests,
		roomId,
		tamper: (answer) => answer,
	};
	const remote = createRemoteRooms({
		...options,
		serverName: two,
		engine: joining.engine,
		storage: joining.storage,
		signatures,
		keyring,
		client: {
			async request(request) {
				requests.push(request);
				if (request.destination !== one) throw new OutboundError('unreachable', 'down');
				// Over the wire and back, as the answer of a real server would come.
				const answer = readStrictJson(JSON.stringify(await answerAs(resident, version, request))) as JsonObject;
				return {status: 200, headers: {}, body: world.tamper(answer, request)};
			},
		},
	});
	return Object.assign(world, {remote});
}

/** What the resident server answers. */
async function answerAs({engine}: TestEngine, version: RoomVersionId, request: FederationRequest): Promise<JsonValue> {
	const [, , , edition, endpoint = '', encodedRoom, encoded] = request.path.split('/');
	const [roomId, userId] = [
		decodeURIComponent(encodedRoom ?? '') as RoomId,
		decodeURIComponent(encoded ?? '') as UserId,
	];
	const json = request.body as JsonObject;
	switch (endpoint) {
		case 'make_join':
		case 'make_knock':
		case 'make_leave': {
			const membership = endpoint.slice(5);
			const event = {type: 'm.room.member', stateKey: userId, sender: userId, content: {membership}};
			const proto = await engine.makeProto(roomId, event);
			return {room_version: proto.version, event: proto.event};
		}
		case 'send_join': {
			const reception = await engine.receive({roomId, json, origin: two, relay: true});
			if (reception.status !== 'accepted') throw new Error(reception.status);
			const {eventId} = reception.pdu;
			const state = (await engine.listStateBefore(eventId)) ?? [];
			const authChain = await engine.listAuthChain([...state.map((pdu) => pdu.eventId), eventId]);
			return {
				event: engine.countersign(reception.pdu).json,
				state: state.map((pdu) => pdu.json),
				auth_chain: authChain.map((pdu) => pdu.json),
			};
		}
		case 'send_knock':
		case 'send_leave': {
			const reception = await engine.receive({roomId, json, origin: two, relay: true});
			if (reception.status !== 'accepted') throw new Error(reception.status);
			const create = await (await engine.findRoom(roomId))?.findState('m.room.create', '');
			return {knock_room_state: [create?.json ?? null]};
		}
		case 'invite': {
			const {unsigned: _unsigned, ...plain} = json;
			const parsed = parsePdu(edition === 'v1' ? plain : (json as {event: JsonObject}).event, version);
			if (!parsed.ok) throw new Error(parsed.fault.reason);
			const answer = {event: engine.countersign(parsed.pdu).json};
			return edition === 'v1' ? [200, answer] : answer;
		}
		default:
			throw new RemoteError({status: 404, errcode: 'M_UNRECOGNIZED', retryAfterMs: undefined, roomVersion: undefined});
	}
}

export const request = (world: World, content: JsonObject = {}) => ({
	roomId: world.roomId,
	userId: bob,
	via: ['down.test' as ServerName, two, one],
	content,
});

export async function failure(t: ExecutionContext, promise: Promise<unknown>, note?: string): Promise<RemoteRoomError> {
	const error = await t.throwsAsync<RemoteRoomError>(promise, {instanceOf: RemoteRoomError}, note);
	if (error === undefined) throw new Error('expected an error');
	return error;
}
