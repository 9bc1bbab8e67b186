import {type DeviceId, hashToken, isToken, newRefreshFamily, refreshFamilyOf, type UserId} from '../../crypto/index.ts';
import {type Batch, ConflictError, type DeviceRow, type Session, StorageError} from '../../storage/index.ts';
import {Addresses} from './addresses.ts';
import {DevicesError} from './errors.ts';
import {
	addAccessToken,
	createRefreshPair,
	type DeviceRequest,
	type IssuedSession,
	type IssuedTokens,
	openSession,
	type RemovalHook,
	type RemovalReason,
	type SessionHook,
	type TokenDependencies,
} from './open-session.ts';
import {createSessionCache} from './session-cache.ts';

const DAY_MS = 86_400_000;
/** Exchanges tried where another one of the same token keeps coming first. */
const EXCHANGES_MAX = 3;

/** A device as its owner is shown it. */
export interface Device extends DeviceRow {
	/** Where it was last seen from; absent where that is not kept. */
	readonly address?: string;
}

/** Which device of whom. */
export interface DeviceKey {
	readonly userId: UserId;
	readonly deviceId: DeviceId;
}

/** What else is written in the commit of a change. */
type AlsoWrite = (batch: Batch) => void;

/** What the devices domain is built from. */
export interface DevicesDependencies extends TokenDependencies {
	/** For how many days the address of a device is kept; 0: it is not written down at all. */
	readonly keepAddressesDays: number;
	/** Told of every session that is opened. */
	readonly onOpen: SessionHook;
	/** Told of devices that are removed. */
	readonly onRemove: RemovalHook;
	/** Called with the batch that ends a session of which somebody has a copy. */
	readonly onCopied: (batch: Batch, userId: UserId) => void;
}

/** The devices of this server's people, which are their sessions, with their access and refresh tokens. */
export interface Devices {
	/**
	 * Gives the session of an access token, from memory where it was used lately; `undefined` where there is none.
	 * The states of the account are the caller's to judge.
	 * @param address where the request comes from; asked for, and noted, only where the settings want addresses kept
	 * @throws DevicesError 'session-expired'
	 */
	findSession(accessToken: string, address?: () => string): Promise<Session | undefined> | Session | undefined;
	/**
	 * Adds a session to the batch of a login or registration; it is open once that is committed. Reusing a device id
	 * ends that device's earlier tokens.
	 * @see https://spec.matrix.org/v1.19/client-server-api/#relationship-between-access-tokens-and-devices
	 * @throws DevicesError 'invalid-device-id', 'device-id-is-a-key', 'device-is-dehydrated', 'device-is-signed-in',
	 * 'too-many-devices'
	 */
	open(batch: Batch, userId: UserId, request: DeviceRequest): Promise<IssuedSession>;
	/**
	 * Exchanges a refresh token. The old one stays good until the new access or refresh token is first used, so that a
	 * client that lost the answer can ask again. One that is good no more ends its session at once: either its client or
	 * somebody else has a copy that should not be there, and nobody can tell which of them comes with it.
	 * @param mayRefresh throws where the session may not go on
	 * @see https://spec.matrix.org/v1.19/client-server-api/#refreshing-access-tokens
	 * @throws DevicesError 'unknown-refresh-token', 'refresh-token-expired'
	 */
	refresh(refreshToken: string, mayRefresh: (session: DeviceKey) => Promise<void>): Promise<IssuedTokens>;
	/** Ends a session of which somebody has a copy, and has its person told. */
	endCopied(session: DeviceKey): Promise<void>;
	/**
	 * Ends the session of an access or refresh token, of which this may be an old one; whether there was one.
	 * @see https://spec.matrix.org/v1.19/client-server-api/#token-revocation
	 */
	revoke(token: string): Promise<boolean>;
	/** Lists a user's devices. */
	list(userId: UserId): Promise<readonly Device[]>;
	/** Whether a user has such a device. Costs the same where there is no such user. */
	isKnown(userId: UserId, deviceId: DeviceId): Promise<boolean>;
	/** @throws DevicesError 'unknown-device' */
	get(userId: UserId, deviceId: DeviceId): Promise<Device>;
	/** @throws DevicesError 'unknown-device' */
	rename(userId: UserId, deviceId: DeviceId, displayName: string, alsoWrite?: AlsoWrite): Promise<void>;
	/** Removes devices with all that hangs on them; those that are gone already are passed over. */
	remove(userId: UserId, deviceIds: readonly DeviceId[], alsoWrite?: AlsoWrite): Promise<void>;
	/** The same, where it is their person who signs them out. */
	signOut(userId: UserId, deviceIds: readonly DeviceId[]): Promise<void>;
	/** Adds to a batch the removal of all of a user's devices but one. */
	removeAll(
		batch: Batch,
		userId: UserId,
		options: {readonly except?: DeviceId | undefined; readonly reason: RemovalReason},
	): Promise<void>;
	/**
	 * Ends all of a user's sessions: devices, codes that somebody has consented to, and browsers.
	 * @param options.keepsWebSession the hash of the browser's session that stays
	 * @param options.reason default: they sign out
	 */
	endAll(
		userId: UserId,
		options?: {
			readonly keepsWebSession?: string;
			readonly alsoWrite?: AlsoWrite;
			readonly reason?: RemovalReason;
		},
	): Promise<void>;
	/** Stops following the stream. */
	close(): void;
}

/** Makes the devices domain. */
export function createDevices(dependencies: DevicesDependencies): Devices {
	const {storage} = dependencies;
	const addresses = new Addresses(dependencies);
	const {findSession, close} = createSessionFinder(dependencies, addresses);
	return {
		findSession,
		close,
		open: (batch, userId, request) => openSession(dependencies, batch, userId, request),
		refresh: (refreshToken, mayRefresh) => refresh(dependencies, refreshToken, mayRefresh),
		endCopied: (session) => endCopied(dependencies, session),
		async revoke(token) {
			const hash = hashToken(token);
			const family = refreshFamilyOf(token);
			const key =
				(await storage.devices.findSession(hash)) ??
				(await storage.devices.findRefreshToken(hash)) ??
				(family === undefined ? undefined : await storage.devices.findRefreshFamily(hashToken(family)));
			if (key !== undefined) await removeListed(dependencies, key.userId, [key.deviceId], {reason: 'signed-out'});
			return key !== undefined;
		},
		list: async (userId) => addresses.addTo(userId, await storage.devices.listOfUser(userId)),
		isKnown: async (userId, deviceId) => (await storage.devices.find(userId, deviceId)) !== undefined,
		async get(userId, deviceId) {
			const device = await storage.devices.find(userId, deviceId);
			const [shown] = device === undefined ? [] : await addresses.addTo(userId, [device]);
			if (shown === undefined) {
				throw unknownDevice();
			}
			return shown;
		},
		async rename(userId, deviceId, displayName, alsoWrite) {
			const batch = storage.batch();
			storage.devices.setDisplayName(batch, userId, deviceId, displayName);
			// The name is shown beside the device's keys to those who see them.
			batch.announce({kind: 'device_list', subject: userId});
			alsoWrite?.(batch);
			try {
				await storage.commit(batch);
			} catch (cause) {
				throw cause instanceof ConflictError && cause.condition === 'device' ? unknownDevice({cause}) : cause;
			}
		},
		remove: (userId, deviceIds, alsoWrite) =>
			removeListed(dependencies, userId, deviceIds, {reason: 'ended', alsoWrite}),
		signOut: (userId, deviceIds) => removeListed(dependencies, userId, deviceIds, {reason: 'signed-out'}),
		removeAll: (batch, userId, options) => removeAll(dependencies, batch, userId, options),
		async endAll(userId, {keepsWebSession, alsoWrite, reason = 'signed-out'} = {}) {
			const batch = storage.batch();
			await removeAll(dependencies, batch, userId, {reason});
			storage.webSessions.removeOfUser(batch, userId, keepsWebSession);
			alsoWrite?.(batch);
			await storage.commit(batch);
		},
	};
}

function unknownDevice(options?: ErrorOptions): DevicesError {
	return new DevicesError('unknown-device', 'No such device', options);
}

type RemovalDependencies = TokenDependencies & Pick<DevicesDependencies, 'onRemove'>;

/** Adds to a batch the removal of some of a user's devices, and of those that go with them; whether none is left. */
async function removeDevices(
	{storage, onRemove}: RemovalDependencies,
	batch: Batch,
	{userId, reason}: {readonly userId: UserId; readonly reason: RemovalReason},
	isRemoved: (deviceId: DeviceId) => boolean,
): Promise<boolean> {
	const devices = await storage.devices.listOfUser(userId);
	const removed = devices.filter(({deviceId}) => isRemoved(deviceId));
	const left = devices.filter(({deviceId}) => !isRemoved(deviceId));
	const gone = [...removed, ...(await onRemove(batch, {userId, removed, left, reason}))];
	if (gone.length === 0) return false;
	for (const {deviceId} of gone) {
		storage.devices.remove(batch, userId, deviceId);
		batch.announce({kind: 'device', subject: userId, extra: {device_ids: [deviceId]}});
	}
	batch.announce({kind: 'device_list', subject: userId});
	return gone.length === devices.length;
}

async function removeListed(
	dependencies: RemovalDependencies,
	userId: UserId,
	deviceIds: readonly DeviceId[],
	{reason, alsoWrite}: {readonly reason: RemovalReason; readonly alsoWrite?: AlsoWrite | undefined},
): Promise<void> {
	const {storage} = dependencies;
	const wanted = new Set(deviceIds);
	const batch = storage.batch();
	const wasLast = await removeDevices(dependencies, batch, {userId, reason}, (deviceId) => wanted.has(deviceId));
	if (wasLast) storage.oauth.removeCodesOf(batch, userId);
	if (batch.isEmpty) return;
	alsoWrite?.(batch);
	await storage.commit(batch);
}

async function removeAll(
	dependencies: RemovalDependencies,
	batch: Batch,
	userId: UserId,
	{except, reason}: Parameters<Devices['removeAll']>[2],
): Promise<void> {
	// A code that somebody has consented to and not yet exchanged is a session, too.
	dependencies.storage.oauth.removeCodesOf(batch, userId);
	await removeDevices(dependencies, batch, {userId, reason}, (deviceId) => deviceId !== except);
}

async function endCopied(dependencies: RefreshDependencies, {userId, deviceId}: DeviceKey): Promise<void> {
	const alsoWrite = (batch: Batch): void => dependencies.onCopied(batch, userId);
	await removeListed(dependencies, userId, [deviceId], {reason: 'ended', alsoWrite});
}

type RefreshDependencies = RemovalDependencies & Pick<DevicesDependencies, 'onCopied'>;

async function refresh(
	dependencies: RefreshDependencies,
	refreshToken: string,
	mayRefresh: (session: DeviceKey) => Promise<void>,
): Promise<IssuedTokens> {
	const {storage, clock, random} = dependencies;
	const tokenHash = hashToken(refreshToken);
	for (let exchange = 1; ; exchange += 1) {
		const row = await storage.devices.findRefreshToken(tokenHash);
		if (row === undefined) {
			await endSessionOfUsedToken(dependencies, refreshToken, mayRefresh);
			throw unknownRefreshToken();
		}
		await mayRefresh(row);
		if (row.expiresTs !== null && row.expiresTs <= clock.now()) {
			throw new DevicesError('refresh-token-expired', 'The refresh token has ended: log in again');
		}
		const {userId, deviceId} = row;
		const batch = storage.batch();
		// Tokens from before there were families begin one.
		const family = refreshFamilyOf(refreshToken) ?? newRefreshFamily(random);
		if (refreshFamilyOf(refreshToken) === undefined) {
			storage.devices.addRefreshFamily(batch, {familyHash: hashToken(family), userId, deviceId});
		}
		const next = createRefreshPair(family, random);
		storage.devices.exchangeRefreshToken(batch, tokenHash, row.nextHash, {
			tokenHash: next.hash,
			userId,
			deviceId,
			expiresTs: null,
			nextHash: null,
		});
		const tokens = addAccessToken(dependencies, batch, {userId, deviceId, refresh: next});
		// This token is in use now, so those it was exchanged for have done their duty.
		for (const earlier of await storage.devices.listRefreshTokensBefore(tokenHash)) {
			storage.devices.removeRefreshToken(batch, earlier.tokenHash);
		}
		try {
			await storage.commit(batch);
			return tokens;
		} catch (error) {
			const isRace = error instanceof ConflictError && error.condition === 'refresh_token';
			if (!isRace || exchange === EXCHANGES_MAX) {
				throw error;
			}
		}
	}
}

async function endSessionOfUsedToken(
	dependencies: RefreshDependencies,
	refreshToken: string,
	mayRefresh: (session: DeviceKey) => Promise<void>,
): Promise<void> {
	const family = refreshFamilyOf(refreshToken);
	const session =
		family === undefined ? undefined : await dependencies.storage.devices.findRefreshFamily(hashToken(family));
	if (session === undefined) return;
	await mayRefresh(session);
	await endCopied(dependencies, session);
}

/** The error for a refresh token that is good for nothing. */
export function unknownRefreshToken(): DevicesError {
	return new DevicesError('unknown-refresh-token', 'The refresh token is not known');
}

function createSessionFinder(
	{storage, clock}: TokenDependencies,
	addresses: Addresses,
): Pick<Devices, 'findSession' | 'close'> {
	const cache = createSessionCache();
	const close = storage.onCommitted((changes) => cache.apply(changes));

	// What is noted here helps later requests and never this one: a full disk must not end reading.
	async function commitIfPossible(batch: Batch): Promise<void> {
		try {
			await storage.commit(batch);
		} catch (error) {
			if (!(error instanceof StorageError)) {
				throw error;
			}
		}
	}

	async function noteUse(session: Session, today: number): Promise<void> {
		const batch = storage.batch();
		if (session.lastSeenDay !== today) {
			storage.devices.setLastSeen(batch, session.userId, session.deviceId, today);
		}
		if (session.refreshHash !== null) {
			for (const earlier of await storage.devices.listRefreshTokensBefore(session.refreshHash)) {
				storage.devices.removeRefreshToken(batch, earlier.tokenHash);
			}
		}
		if (!batch.isEmpty) {
			await commitIfPossible(batch);
		}
	}

	async function read(tokenHash: string, today: number): Promise<Session | undefined> {
		const keep = cache.beginRead();
		const session = await storage.devices.findSession(tokenHash);
		if (session !== undefined) {
			checkNotExpired(session, clock.now());
			await noteUse(session, today);
			keep({...session, lastSeenDay: today});
		}
		return session;
	}

	function find(accessToken: string): Promise<Session | undefined> | Session | undefined {
		const tokenHash = hashToken(accessToken);
		const nowMs = clock.now();
		const today = Math.floor(nowMs / DAY_MS);
		const session = cache.get(tokenHash);
		if (session === undefined || session.lastSeenDay !== today) {
			// What has not the form of a token costs no look into the database.
			return isToken(accessToken, 'access') ? read(tokenHash, today) : undefined;
		}
		checkNotExpired(session, nowMs);
		return session;
	}

	const findNow = (accessToken: string): Promise<Session | undefined> | Session | undefined =>
		storage.dialect === 'sqlite' ? find(accessToken) : storage.barrier().then(() => find(accessToken));

	async function noteAddress(
		finding: Promise<Session | undefined> | Session | undefined,
		address: () => string,
	): Promise<Session | undefined> {
		const session = await finding;
		const batch = session && addresses.note(session, address());
		if (batch !== undefined) await commitIfPossible(batch);
		return session;
	}

	return {
		close,
		findSession(accessToken, address) {
			const finding = findNow(accessToken);
			return address === undefined || !addresses.areKept ? finding : noteAddress(finding, address);
		},
	};
}

function checkNotExpired(session: Session, nowMs: number): void {
	if (session.expiresTs !== null && session.expiresTs <= nowMs) {
		throw new DevicesError('session-expired', 'The access token has ended: refresh it, or log in again');
	}
}
