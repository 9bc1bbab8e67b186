import {
	domainOf,
	isRoomId,
	isServerName,
	type JsonObject,
	type RoomAlias,
	type RoomId,
	type ServerName,
	type UserId,
} from '../../crypto/index.ts';
import type {Batch, Storage} from '../../storage/index.ts';
import {type Engine, EngineError, type EngineErrorCode, type SignatureChecker} from '../engine/index.ts';
import {mergeSignatures, type Pdu, parsePdu} from '../rooms/index.ts';
import {type FederationClient, path} from './client.ts';
import {OutboundError, RemoteError} from './errors.ts';
import {readJoinAnswer} from './join-answer.ts';
import {asObject} from './key-document.ts';
import type {Keyring} from './keyring.ts';
import {makeMemberEvent, type MembershipWanted} from './member-template.ts';
import {STATE_LIMITS} from './remote-events.ts';
import {checkServerSignature, type VerifyMany} from './signatures.ts';
import {limitShownState, readStrippedState} from './stripped-state.ts';

/** A membership of somebody of this server in a room that only other servers can give. */
export interface RemoteMembership {
	readonly roomId: RoomId;
	readonly userId: UserId;
	/** Servers to ask, in this order. */
	readonly via: readonly ServerName[];
	/** What goes into the member event's content beside `membership`: the profile, `reason`. */
	readonly content: JsonObject;
}

/** An invite of somebody of another server, signed by this one. */
export interface RemoteInvite {
	readonly pdu: Pdu;
	/** What of the room the invited person is shown: the create event and what tells what the room is. */
	readonly state: readonly Pdu[];
}

/**
 * Why no server gave us the membership: the most telling of their answers.
 *
 * - `refused`: a server that knows the room says no.
 * - `not_found`: no server that answered knows the room.
 * - `unable_to_authorise`, `unable_to_grant`: restricted joins; see the specification.
 * - `incompatible_version`: the room is of a version that one of the two servers does not know; `roomVersion` says which.
 * - `invite_blocked`: the invited person's server lets nobody, or not us, invite that person.
 * - `bad_response`: what was answered cannot be used.
 * - `unreachable`: no server answered.
 */
export type RemoteRoomErrorCode =
	| 'refused'
	| 'not_found'
	| 'unable_to_authorise'
	| 'unable_to_grant'
	| 'incompatible_version'
	| 'invite_blocked'
	| 'bad_response'
	| 'unreachable';

/** Other servers did not do what a room of theirs was asked for. */
export class RemoteRoomError extends Error {
	override name = 'RemoteRoomError';
	readonly code: RemoteRoomErrorCode;
	readonly roomVersion: string | undefined;

	constructor(code: RemoteRoomErrorCode, options?: ErrorOptions & {readonly roomVersion?: string | undefined}) {
		super(`Expected another server to do its part, got ${code}`, options);
		this.code = code;
		this.roomVersion = options?.roomVersion;
	}
}

/** What this server asks of the servers of rooms. Every method is done when the outcome is on disk. @throws RemoteRoomError */
export interface RemoteRooms {
	/** Joins by a resident server; also a room that this server is in, where only others can let somebody in. */
	join(request: RemoteMembership): Promise<void>;
	/** Knocks by a resident server. */
	knock(request: RemoteMembership): Promise<void>;
	/** Turns down an invite, or takes back a knock. An invite is gone even if nobody can be told. */
	leave(request: RemoteMembership): Promise<void>;
	/** Has the invited person's server sign the invite; gives the event with both signatures, not stored yet. */
	invite(request: RemoteInvite): Promise<JsonObject>;
	/** Asks an alias's server for its room; `undefined` where it has none. */
	findAlias(alias: RoomAlias): Promise<{readonly roomId: RoomId; readonly servers: readonly ServerName[]} | undefined>;
}

export interface RemoteRoomsOptions {
	readonly serverName: ServerName;
	readonly client: Pick<FederationClient, 'request'>;
	readonly engine: Engine;
	readonly signatures: SignatureChecker;
	readonly keyring: Pick<Keyring, 'findVerifyKey'>;
	readonly storage: Pick<Storage, 'events' | 'jobs' | 'memberships'>;
	/** Where rooms are entered before their members are known: the time, for the job that learns them. */
	readonly fastJoins?: {readonly now: () => number} | undefined;
	/** As for the signature checker; default: on all cores. */
	readonly verify?: VerifyMany | undefined;
}

/**
 * Room versions that the older endpoint of invites is for: its receiver takes an event to be of one of them.
 * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1inviteroomideventid
 */
const INVITE_V1_VERSIONS: ReadonlySet<string> = new Set(['1', '2']);
/** Servers that are asked for one membership. */
const SERVERS_MAX = 10;
/** Servers of a room that say no, until they are believed. */
const REFUSALS_MAX = 3;
/** Which error tells a person most, where servers answered differently. */
const TELLING: readonly RemoteRoomErrorCode[] = [
	'incompatible_version',
	'refused',
	'unable_to_grant',
	'unable_to_authorise',
	'invite_blocked',
	'not_found',
	'bad_response',
	'unreachable',
];
/** Servers that may be asked, one after the other, who is in a room. */
const ASKED_MAX = 50;
/** The kind of the jobs that learn the members of rooms which were entered without them; the key is our join. */
export const COMPLETE_ROOM = 'complete-room';
/** Servers that one alias may name. */
const ALIAS_SERVERS_MAX = 100;

/** Makes the part of rooms that needs other servers. */
export function createRemoteRooms(options: RemoteRoomsOptions): RemoteRooms {
	const {client} = options;
	return {
		join: (request) => tryServers(options, request, (server) => joinBy(options, server, request)),
		knock: (request) => tryServers(options, request, (server) => knockBy(options, server, request)),
		async leave(request) {
			try {
				await tryServers(options, request, (server) => leaveBy(options, server, request));
			} catch (error) {
				if (!(error instanceof RemoteRoomError) || !(await leaveAlone(options, request))) throw error;
			}
		},
		async invite(request) {
			try {
				return await inviteTo(options, request);
			} catch (error) {
				throw toRemoteRoomError(error);
			}
		},
		async findAlias(alias) {
			try {
				const {body} = await client.request({
					destination: domainOf(alias),
					method: 'GET',
					path: '/_matrix/federation/v1/query/directory',
					query: {room_alias: alias},
				});
				const {room_id: roomId, servers} = asObject(body) ?? {};
				if (!isRoomId(roomId) || !Array.isArray(servers)) throw new RemoteRoomError('bad_response');
				return {roomId, servers: servers.filter(isServerName).slice(0, ALIAS_SERVERS_MAX)};
			} catch (error) {
				const failure = toRemoteRoomError(error);
				if (failure.code === 'not_found') return undefined;
				throw failure;
			}
		},
	};
}

/** Asks servers in turn until one does it. */
async function tryServers(
	{serverName}: RemoteRoomsOptions,
	{via}: RemoteMembership,
	ask: (server: ServerName) => Promise<void>,
): Promise<void> {
	const failures: RemoteRoomError[] = [];
	for (const server of [...new Set(via)].filter((name) => name !== serverName).slice(0, SERVERS_MAX)) {
		try {
			await ask(server);
			return;
		} catch (error) {
			failures.push(toRemoteRoomError(error));
		}
		const refusals = failures.filter(({code}) => code === 'refused').length;
		if (refusals >= REFUSALS_MAX || failures.some(({code}) => code === 'incompatible_version')) break;
	}
	const [worst] = failures.toSorted((a, b) => TELLING.indexOf(a.code) - TELLING.indexOf(b.code));
	throw worst ?? new RemoteRoomError('unreachable');
}

async function joinBy(options: RemoteRoomsOptions, server: ServerName, request: RemoteMembership): Promise<void> {
	const {client, engine, signatures, storage, fastJoins} = options;
	const pdu = await makeMemberEvent(client, engine, server, {...request, membership: 'join'});
	const {body} = await client.request({
		destination: server,
		method: 'PUT',
		path: path`/_matrix/federation/v2/send_join/${pdu.roomId}/${pdu.eventId}`,
		query: {omit_members: fastJoins !== undefined},
		body: pdu.json,
		limits: STATE_LIMITS,
	});
	const answer = await readJoinAnswer(body, pdu, signatures, fastJoins !== undefined);
	const {roomId, roomVersion: version} = pdu;
	if ((await storage.memberships.listLocalJoined(roomId)).length > 0) {
		// We know the room ourselves; the server only had to let somebody in.
		const reception = await engine.receive({roomId, json: answer.join.json, origin: server});
		if (reception.status === 'rejected') throw new RemoteRoomError('refused');
		return;
	}
	const {withoutMembers} = answer;
	await engine.importRoom({
		...answer,
		version,
		roomId,
		origin: server,
		// Who let us in is asked first.
		...(withoutMembers && {
			alsoWrite: (batch) => addCompletion(options, batch, pdu, [server, ...withoutMembers.servers]),
		}),
	});
}

/** Adds the job that learns the members of a room that was entered without them. */
function addCompletion(
	{storage, fastJoins, serverName}: RemoteRoomsOptions,
	batch: Batch,
	{roomId, eventId}: Pdu,
	known: readonly ServerName[],
): void {
	const servers = [...new Set(known)].filter((server) => server !== serverName).slice(0, ASKED_MAX);
	storage.jobs.add(batch, {
		kind: COMPLETE_ROOM,
		key: eventId,
		payload: {room_id: roomId, servers},
		dueTs: fastJoins?.now() ?? 0,
	});
}

async function knockBy(options: RemoteRoomsOptions, server: ServerName, request: RemoteMembership): Promise<void> {
	const {pdu, body} = await sendMemberEvent(options, server, {...request, membership: 'knock'}, 'v1/send_knock');
	const room = {roomId: pdu.roomId, version: pdu.roomVersion};
	const strippedState = await readStrippedState(asObject(body)?.['knock_room_state'], room, options.signatures);
	await options.engine.setOutsideMembership({pdu, strippedState});
}

async function leaveBy(options: RemoteRoomsOptions, server: ServerName, request: RemoteMembership): Promise<void> {
	const {pdu} = await sendMemberEvent(options, server, {...request, membership: 'leave'}, 'v2/send_leave');
	await options.engine.setOutsideMembership({pdu, strippedState: []});
}

async function sendMemberEvent(
	{client, engine}: RemoteRoomsOptions,
	server: ServerName,
	wanted: MembershipWanted,
	endpoint: string,
) {
	const pdu = await makeMemberEvent(client, engine, server, wanted);
	const {body} = await client.request({
		destination: server,
		method: 'PUT',
		path: `/_matrix/federation/${endpoint}${path`/${pdu.roomId}/${pdu.eventId}`}`,
		body: pdu.json,
	});
	return {pdu, body};
}

/**
 * Leaves a room that no server lets us leave, so that nobody is stuck with an invite from a server that is gone: an event
 * of our own on top of the invite, which nobody is sent. False where there is no invite.
 */
async function leaveAlone({engine, storage}: RemoteRoomsOptions, request: RemoteMembership): Promise<boolean> {
	const {roomId, userId, content} = request;
	const membership = await storage.memberships.find(roomId, userId);
	if (membership?.membership !== 'invite' || membership.eventNid === null) return false;
	const row = await storage.events.findByNid(membership.eventNid);
	const invite = row === undefined ? undefined : (await engine.findEvent(row.eventId))?.pdu;
	if (invite === undefined) return false;
	const pdu = engine.signFromProto({
		version: invite.roomVersion,
		roomId,
		event: {type: 'm.room.member', sender: userId, stateKey: userId, content: {...content, membership: 'leave'}},
		prevEvents: [invite.eventId],
		authEvents: [invite.eventId],
		depth: invite.depth + 1,
	});
	await engine.setOutsideMembership({pdu, strippedState: []});
	return true;
}

async function inviteTo(options: RemoteRoomsOptions, {pdu, state}: RemoteInvite): Promise<JsonObject> {
	const destination = domainOf(pdu.stateKey as UserId);
	const event = await askToSign(options, destination, pdu, state);
	const parsed = event === undefined ? undefined : parsePdu(event, pdu.roomVersion);
	// Only signatures are taken over, and only from the same event.
	if (parsed?.ok !== true || parsed.pdu.eventId !== pdu.eventId) throw new RemoteRoomError('bad_response');
	const signed = mergeSignatures(pdu, {[destination]: parsed.pdu.signatures[destination] ?? {}});
	if (!(await checkServerSignature(options.keyring, signed, destination, options.verify)).allowed)
		throw new RemoteRoomError('bad_response');
	return signed.json;
}

/** Gives the invite as the invited server has signed it, by the older endpoint where that is the one it knows. */
async function askToSign(
	{client}: RemoteRoomsOptions,
	destination: ServerName,
	{roomId, eventId, json, roomVersion}: Pdu,
	state: readonly Pdu[],
): Promise<JsonObject | undefined> {
	const roomState = limitShownState(state).map((entry) => entry.json);
	try {
		const {body} = await client.request({
			destination,
			method: 'PUT',
			path: path`/_matrix/federation/v2/invite/${roomId}/${eventId}`,
			body: {event: json, invite_room_state: roomState, room_version: roomVersion},
		});
		return asObject(asObject(body)?.['event']);
	} catch (error) {
		if (!isUnknownEndpoint(error) || !INVITE_V1_VERSIONS.has(roomVersion)) throw error;
	}
	const {body} = await client.request({
		destination,
		method: 'PUT',
		path: path`/_matrix/federation/v1/invite/${roomId}/${eventId}`,
		body: {...json, unsigned: {invite_room_state: roomState}},
	});
	// The answer is a pair: a status, and what the newer endpoint answers.
	return Array.isArray(body) ? asObject(asObject(body[1])?.['event']) : undefined;
}

/** Servers from before the endpoint answer with a 404 of any kind; later ones say that they do not know it. */
function isUnknownEndpoint(error: unknown): boolean {
	if (!(error instanceof RemoteError)) return false;
	return error.errcode === 'M_UNRECOGNIZED' || (error.status === 404 && error.errcode === undefined);
}

/** What remote errcodes mean here. */
const CODES_OF_ERRCODES: Readonly<Record<string, RemoteRoomErrorCode>> = {
	M_INCOMPATIBLE_ROOM_VERSION: 'incompatible_version',
	M_INVITE_BLOCKED: 'invite_blocked',
	M_UNABLE_TO_AUTHORISE_JOIN: 'unable_to_authorise',
	M_UNABLE_TO_GRANT_JOIN: 'unable_to_grant',
	M_UNSUPPORTED_ROOM_VERSION: 'incompatible_version',
};

const CODES_OF_ENGINE: Readonly<Partial<Record<EngineErrorCode, RemoteRoomErrorCode>>> = {
	bad_event: 'bad_response',
	bad_response: 'bad_response',
	forbidden: 'refused',
	too_large: 'bad_response',
	unsupported_version: 'incompatible_version',
};

/** Gives the error for what a server answered; what is our own trouble is thrown on. */
/** Says of whatever went wrong what it means for a room. */
export function toRemoteRoomError(error: unknown): RemoteRoomError {
	if (error instanceof RemoteRoomError) return error;
	if (error instanceof RemoteError) {
		const code = CODES_OF_ERRCODES[error.errcode ?? ''] ?? codeOfStatus(error.status);
		return new RemoteRoomError(code, {cause: error, roomVersion: error.roomVersion});
	}
	if (error instanceof OutboundError) {
		return new RemoteRoomError(error.code === 'bad_response' ? 'bad_response' : 'unreachable', {cause: error});
	}
	const code = error instanceof EngineError ? CODES_OF_ENGINE[error.code] : undefined;
	if (code === undefined) throw error;
	return new RemoteRoomError(code, {cause: error});
}

function codeOfStatus(status: number): RemoteRoomErrorCode {
	if (status === 403) return 'refused';
	if (status === 404) return 'not_found';
	return status >= 400 && status < 500 && status !== 401 && status !== 429 ? 'bad_response' : 'unreachable';
}
