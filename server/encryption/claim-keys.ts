import {type DeviceId, domainOf, isJsonObject, type ServerName, type UserId} from '../../crypto/index.ts';
import {JsonText, type KeyClaim, type Storage, usersOfChangeMax} from '../../storage/index.ts';
import type {ClaimsByUser, EncryptionCaller, EncryptionContext} from './dependencies.ts';
import {algorithmOf, memberOf} from './key-objects.ts';
import {readClaimedKey} from './remote-answers.ts';
import {inParallel} from './remote-device-lists.ts';

/** Keys taken in one commit; many more would keep other writers waiting. */
const CLAIMS_PER_COMMIT = 250;
const SERVERS_AT_ONCE = 32;

/** What a client is given. */
export interface ClaimAnswer {
	/** JSON by user and device: the key by its id. Who has none is not in it. */
	readonly oneTimeKeys: JsonText;
	/** Servers that could not be asked. */
	readonly unreachable: readonly ServerName[];
}

interface ClaimedKey {
	readonly userId: UserId;
	readonly deviceId: DeviceId;
	readonly keyId: string;
	readonly json: JsonText;
}

/** Claims keys of users for one of this server's people. */
export async function claimKeys(
	dependencies: EncryptionContext,
	caller: EncryptionCaller,
	claims: ClaimsByUser,
	timeoutMs: number,
): Promise<ClaimAnswer> {
	const {serverName, visibility} = dependencies;
	const byServer = new Map<ServerName, Map<UserId, ReadonlyMap<DeviceId, string>>>();
	const here = [...claims.keys()].filter((userId) => domainOf(userId) === serverName);
	const known = await visibility.filterKnown(caller, here, 'keys');
	for (const [userId, devices] of claims) {
		const server = domainOf(userId);
		if (server !== serverName || known.has(userId))
			byServer.set(server, (byServer.get(server) ?? new Map()).set(userId, devices));
	}
	const local = byServer.get(serverName) ?? new Map<UserId, ReadonlyMap<DeviceId, string>>();
	byServer.delete(serverName);
	const unreachable: ServerName[] = [];
	const claimed = await claimLocal(dependencies, local);
	await inParallel([...byServer], SERVERS_AT_ONCE, async ([server, ofServer]) => {
		const keys = await claimRemote(dependencies, server, ofServer, timeoutMs);
		if (keys === undefined) unreachable.push(server);
		else claimed.push(...keys);
	});
	return {oneTimeKeys: group(claimed), unreachable};
}

/** Claims keys of people here for another server. */
export async function claimKeysForServer(
	dependencies: EncryptionContext,
	origin: ServerName,
	claims: ClaimsByUser,
): Promise<JsonText> {
	const {serverName, visibility} = dependencies;
	const here = [...claims.keys()].filter((userId) => domainOf(userId) === serverName);
	const known = await visibility.filterKnownToServer(origin, here, 'keys');
	return group(await claimLocal(dependencies, new Map([...claims].filter(([userId]) => known.has(userId)))));
}

async function claimLocal(
	{storage, localKeys}: Pick<EncryptionContext, 'storage' | 'localKeys'>,
	claims: ClaimsByUser,
): Promise<ClaimedKey[]> {
	const known = await localKeys.find([...claims.keys()]);
	// Keys are claimed from devices that have published themselves; nobody else encrypts for others.
	const existing: KeyClaim[] = [];
	for (const [userId, devices] of claims) {
		for (const {deviceId} of known.get(userId)?.devices ?? []) {
			const algorithm = devices.get(deviceId);
			if (algorithm !== undefined && isAlgorithm(algorithm)) existing.push({userId, deviceId, algorithm});
		}
	}
	const claimed: ClaimedKey[] = [];
	for (let start = 0; start < existing.length; start += CLAIMS_PER_COMMIT) {
		const part = existing.slice(start, start + CLAIMS_PER_COMMIT);
		const oneTimeKeys = await commitClaims(storage, 'claimOneTimeKeys', part);
		claimed.push(...oneTimeKeys);
		if (oneTimeKeys.length === part.length) continue;
		// Few have none left, and looking for fallback keys costs as much as all else.
		const served = new Set(oneTimeKeys.map(nameOf));
		claimed.push(
			...(await commitClaims(
				storage,
				'claim',
				part.filter((claim) => !served.has(nameOf(claim))),
			)),
		);
	}
	return claimed;
}

const nameOf = ({userId, deviceId}: Pick<KeyClaim, 'userId' | 'deviceId'>): string => `${userId} ${deviceId}`;

async function commitClaims(
	storage: Storage,
	how: 'claim' | 'claimOneTimeKeys',
	claims: readonly KeyClaim[],
): Promise<readonly ClaimedKey[]> {
	const batch = storage.batch();
	const outcome = storage.keys[how](batch, claims);
	// Devices are told how many of their keys are left.
	const owners = [...new Set(claims.map((claim) => claim.userId))];
	for (let at = 0; at < owners.length; at += usersOfChangeMax) {
		batch.announceUsers('device_keys', owners.slice(at, at + usersOfChangeMax));
	}
	await storage.commit(batch);
	return outcome.value;
}

function isAlgorithm(algorithm: string): boolean {
	return /^[!-~]+$/u.test(algorithm);
}

async function claimRemote(
	{remoteKeys, remoteLists}: EncryptionContext,
	server: ServerName,
	claims: ClaimsByUser,
	timeoutMs: number,
): Promise<ClaimedKey[] | undefined> {
	const wanted: Record<UserId, Readonly<Record<string, string>>> = Object.fromEntries(
		[...claims].map(([userId, devices]) => [userId, Object.fromEntries(devices)]),
	);
	const keys = await remoteLists.askServer(server, () => remoteKeys.claimKeys(server, wanted, timeoutMs));
	if (keys === undefined) return undefined;
	return [...claims].flatMap(([userId, devices]) =>
		[...devices].flatMap(([deviceId, algorithm]) => {
			const ofUser = keys[userId];
			const ofDevice = ofUser && memberOf(ofUser, deviceId);
			const [found] = (isJsonObject(ofDevice) ? Object.entries(ofDevice) : [])
				.filter(([keyId]) => algorithmOf(keyId) === algorithm)
				.map(([keyId, key]) => ({keyId, key: readClaimedKey(userId, key)}))
				.filter(({key}) => key !== undefined);
			return found ? [{userId, deviceId, keyId: found.keyId, json: new JsonText(JSON.stringify(found.key))}] : [];
		}),
	);
}

/** Writes keys as the specification does; at most one of each device. */
function group(keys: readonly ClaimedKey[]): JsonText {
	const byUser = new Map<UserId, string>();
	for (const {userId, deviceId, keyId, json} of keys) {
		const before = byUser.get(userId);
		const ofDevice = `${JSON.stringify(deviceId)}:{${JSON.stringify(keyId)}:${json.text}}`;
		byUser.set(userId, before === undefined ? ofDevice : `${before},${ofDevice}`);
	}
	return new JsonText(
		`{${[...byUser].map(([userId, devices]) => `${JSON.stringify(userId)}:{${devices}}`).join(',')}}`,
	);
}
