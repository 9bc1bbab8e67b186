/** The encryption domain over a database of its own, with another server that the test plays. */
import {discretionOf} from '../../harness/discretion.ts';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import type {DeviceId, JsonObject, RoomId, ServerName, UserId} from '../../../crypto/index.ts';
import {
	OutboundError,
	type RemoteDevices,
	type RemoteKeys,
	type RemoteQueries,
} from '../../../federation/outbound/index.ts';
import {createEncryption, type Encryption, type EncryptionCaller} from '../../../server/encryption/index.ts';
import {systemClock} from '../../../federation/engine/index.ts';
import {createVisibility} from '../../../server/visibility/index.ts';
import {openStorage, type Storage} from '../../../storage/index.ts';

export const ALICE = '@alice:here.example' as UserId;
export const BOB = '@bob:there.example' as UserId;
export const THERE = 'there.example' as ServerName;
export const ROOM = '!room:here.example' as RoomId;

/** What the other server says of Bob, and how often it was asked. */
export interface OtherServer {
	devices: Record<string, JsonObject>;
	masterKey: JsonObject | undefined;
	selfSigningKey: JsonObject | undefined;
	streamId: number;
	/** Questions so far, by kind. */
	readonly asked: string[];
	/** Called before each answer; may wait or throw. */
	beforeAnswer: () => Promise<void> | void;
	readonly claims: RemoteQueries['claimKeys'][];
}

export interface RemoteWorld {
	readonly storage: Storage;
	readonly encryption: Encryption;
	readonly other: OtherServer;
	readonly problems: unknown[];
	advance(ms: number): void;
	/** Sets a membership as the engine does. */
	setMembership(userId: UserId, membership: 'join' | 'leave' | 'invite', sender?: UserId): Promise<void>;
	/** Asks for Bob's keys in Alice's name. */
	query(): Promise<Awaited<ReturnType<Encryption['queryKeys']>>>;
	/** How often a change of Bob's devices was announced so far. */
	countAnnounced(): Promise<number>;
}

export const caller: EncryptionCaller = {
	userId: ALICE,
	deviceId: 'ALICEDEVICE' as DeviceId,
	isAdmin: false,
	isGuest: false,
};

export const unreachable = (): never => {
	throw new OutboundError('unreachable', 'the test says so');
};

/** Alice is here, Bob is there, and both are in one room. */
export async function createWorld(t: ExecutionContext): Promise<RemoteWorld> {
	const directory = mkdtempSync(join(tmpdir(), 'broadsheet-keys-'));
	const storage = await openStorage({url: `sqlite:${join(directory, 'test.db')}`, serverName: 'here.example'});
	let nowMs = 1_700_000_000_000;
	const other: OtherServer = {
		devices: {},
		masterKey: undefined,
		selfSigningKey: undefined,
		streamId: 1,
		asked: [],
		beforeAnswer: () => undefined,
		claims: [],
	};
	const problems: unknown[] = [];
	const serverName = 'here.example' as ServerName;
	const encryption = createEncryption({
		noticesSender: undefined,
		storage,
		serverName,
		visibility: createVisibility({
			storage,
			serverName,
			...discretionOf(storage, serverName),
			scopes: {profiles: 'shared', directory: 'shared', keys: 'shared'},
			isPartner: () => false,
			clock: systemClock,
		}),
		clock: {now: () => nowMs, monotonic: () => nowMs, setTimer: () => ({cancel: () => undefined})},
		random: (sizeBytes) => Buffer.alloc(sizeBytes, 7),
		remoteKeys: answering(other),
		mayFederateWith: (server) => server === THERE,
		notices: {add: () => undefined},
		onProblem: (problem) => problems.push(problem),
	});
	t.teardown(async () => {
		encryption.close();
		await storage.close();
		rmSync(directory, {recursive: true, force: true});
	});
	const world: RemoteWorld = {
		storage,
		encryption,
		other,
		problems,
		advance: (ms) => void (nowMs += ms),
		async setMembership(userId, membership, sender = userId) {
			const batch = storage.batch();
			const isLocal = userId.endsWith(':here.example');
			const pos = batch.announce({kind: 'membership', roomId: ROOM, subject: userId});
			const row = {roomId: ROOM, userId, membership, eventNid: null, sender, isLocal, strippedState: null, pos};
			storage.memberships.set(batch, row);
			await storage.commit(batch);
			const servers = storage.batch();
			if (!isLocal && membership === 'join') storage.memberships.addServer(servers, ROOM, THERE, storage.stream.head());
			if (!servers.isEmpty) await storage.commit(servers);
		},
		query: () => encryption.queryKeys(caller, new Map([[BOB, []]]), 1000),
		async countAnnounced() {
			const upto = storage.stream.head();
			const changes = await storage.stream.list({after: 0, upto, kinds: ['device_list'], subject: BOB, limit: 10_000});
			return changes.length;
		},
	};
	await world.setMembership(ALICE, 'join');
	await world.setMembership(BOB, 'join');
	return world;
}

function answering(other: OtherServer): Pick<RemoteQueries, 'queryKeys' | 'claimKeys' | 'findDevices'> {
	return {
		async queryKeys() {
			other.asked.push('query');
			const answer: RemoteKeys = {
				deviceKeys: {[BOB]: {...other.devices}},
				masterKeys: other.masterKey === undefined ? {} : {[BOB]: other.masterKey},
				selfSigningKeys: other.selfSigningKey === undefined ? {} : {[BOB]: other.selfSigningKey},
			};
			await other.beforeAnswer();
			return answer;
		},
		async claimKeys(server, users, timeoutMs) {
			other.asked.push('claim');
			await other.beforeAnswer();
			return other.claims[0]?.(server, users, timeoutMs) ?? {};
		},
		async findDevices(userId) {
			other.asked.push('devices');
			const answer: RemoteDevices = {
				userId,
				streamId: other.streamId,
				devices: Object.entries(other.devices).map(([deviceId, keys]) => ({device_id: deviceId, keys})),
				masterKey: other.masterKey,
				selfSigningKey: other.selfSigningKey,
			};
			await other.beforeAnswer();
			return answer;
		},
	};
}
