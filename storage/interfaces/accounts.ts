import type {DeviceId, JsonObject, JsonValue, RoomId, UserId} from '../../crypto/index.ts';
import type {Batch, Outcome, Position, PositionOrAnnounced} from '../batch.ts';
import type {AccountSearch} from './account-search.ts';

/** An account of this server. */
export interface AccountRow {
	readonly userId: UserId;
	/** Argon2id in its text form; `null` where no password signs in. */
	readonly passwordHash: string | null;
	readonly isAdmin: boolean;
	readonly isGuest: boolean;
	readonly isDeactivated: boolean;
	readonly isLocked: boolean;
	readonly isSuspended: boolean;
	/** Whether the user asked that messages be forgotten as far as possible. */
	readonly isErased: boolean;
	/** Days since the Unix epoch: no finer time is kept. */
	readonly createdDay: number;
}

/** A name that belongs to an application service. */
export interface AccountOfAppservice {
	readonly userId: UserId;
	/** The id of the service's registration. */
	readonly appserviceId: string;
}

/** The states of an account that can be changed. */
export type AccountStates = Partial<
	Pick<AccountRow, 'isAdmin' | 'isDeactivated' | 'isLocked' | 'isSuspended' | 'isErased'>
>;

/** A token that lets people register. Only the hash of the token is stored. */
export interface RegistrationTokenRow {
	readonly tokenHash: string;
	/** What administrators see; never the token. */
	readonly name: string;
	/** `null`: without limit. */
	readonly usesAllowed: number | null;
	readonly usesDone: number;
	/** Milliseconds; `null`: never. */
	readonly expiresTs: number | null;
	/** Whether the account that it makes is an administrator: the set-up link. */
	readonly makesAdmin: boolean;
}

/** Accounts, and the tokens that let people register. */
export interface AccountsRepository extends AccountSearch {
	/** Adds an account; `DuplicateError('accounts')` where the name exists, deactivated accounts included. */
	add(batch: Batch, account: AccountRow): void;
	/** Sets or removes the password; ConflictError('account') where there is no such account. */
	setPassword(batch: Batch, userId: UserId, passwordHash: string | null): void;
	/**
	 * Makes the batch fail with ConflictError('way_in') where nothing signs somebody in to an account any more, once what the
	 * batch has done so far is done: no password, no passkey, and none of these providers.
	 */
	checkWayIn(batch: Batch, userId: UserId, providerIds: readonly string[]): void;
	/** Sets states of an account; ConflictError('account') where there is no such account. */
	setStates(batch: Batch, userId: UserId, states: AccountStates): void;
	find(userId: UserId): Promise<AccountRow | undefined>;
	/** Lists accounts in the order of their names (bytewise). */
	list(page: {readonly after?: UserId | undefined; readonly limit: number}): Promise<AccountRow[]>;
	/** Says that an account is an application service's, for good. The caller announces `account`. */
	setAppservice(batch: Batch, account: AccountOfAppservice): void;
	/** Of these names, those of application services, each with the service's id. */
	listOfAppservices(userIds: readonly UserId[]): Promise<AccountOfAppservice[]>;
	/** Counts all accounts. */
	count(): Promise<number>;

	/** Adds a registration token; `DuplicateError('registration_tokens')` where its hash exists. */
	addRegistrationToken(batch: Batch, token: RegistrationTokenRow): void;
	/** Uses a registration token once; ConflictError('registration_token') where it is unknown, used up or past its time. */
	redeemRegistrationToken(batch: Batch, tokenHash: string, nowMs: number): void;
	/** Changes how often and how long a registration token is good; ConflictError('registration_token') where it is unknown. */
	updateRegistrationToken(
		batch: Batch,
		tokenHash: string,
		change: Pick<RegistrationTokenRow, 'usesAllowed' | 'expiresTs'>,
	): void;
	removeRegistrationToken(batch: Batch, tokenHash: string): void;
	findRegistrationToken(tokenHash: string): Promise<RegistrationTokenRow | undefined>;
	listRegistrationTokens(): Promise<RegistrationTokenRow[]>;
	/** Removes registration tokens that ended before a time, some hundreds at once; how many it were. */
	sweepRegistrationTokens(batch: Batch, beforeTs: number): Outcome<number>;
}

/** How much somebody of this server, or another server, learnt and asked about people in one day. */
export interface FactCountRow {
	readonly kind: 'person' | 'server';
	/** A user id, or the name of a server. */
	readonly name: string;
	/** Days since the Unix epoch. */
	readonly day: number;
	/** Facts that they were let learn. */
	readonly learnt: number;
	/** Facts that they were refused because they had learnt enough. */
	readonly refused: number;
	/** Names that they asked about without a right to know of them. */
	readonly probes: number;
}

/** Who learns how much about people. Counts alone are kept: of whom they learnt is nowhere. */
export interface FactCountsRepository {
	/** Adds to what was counted that day. */
	add(batch: Batch, counts: FactCountRow): void;
	find(kind: FactCountRow['kind'], name: string, day: number): Promise<FactCountRow | undefined>;
	/** Lists a day's counts, those who were refused and asked most first. At most 1,000. */
	listOfDay(day: number, limit: number): Promise<FactCountRow[]>;
	/** Removes counts of days before one, some days at once; how many rows it were. */
	sweep(batch: Batch, beforeDay: number): Outcome<number>;
}

/** Somebody who is gone and wants to be forgotten. */
export interface ErasureRow {
	readonly userId: UserId;
	/** Where the stream stood: who was in a room by then goes on seeing what they wrote there. */
	readonly pos: Position;
}

/** What goes with the people who go. */
export interface ErasuresRepository {
	/** Notes that somebody wants to be forgotten; what was noted before stays. */
	add(batch: Batch, userId: UserId, pos: PositionOrAnnounced): void;
	/** Lists all, in the order of their names. */
	list(): Promise<ErasureRow[]>;
	/**
	 * Removes all that is kept for somebody alone and that nobody has to be told of: tokens, keys, messages for devices,
	 * pushers, filters, receipts, addresses. Devices, profile, account data and key backups are removed apart.
	 */
	removeTraces(batch: Batch, userId: UserId): void;
}

/** A field of a profile. */
export interface ProfileField {
	readonly userId: UserId;
	readonly key: string;
	/** `null` where the field was removed. */
	readonly value: JsonValue;
	readonly pos: Position;
}

/** Profiles of this server's people: `displayname`, `avatar_url`, `m.tz` and any other field. */
export interface ProfilesRepository {
	/** Sets a field; `undefined` removes it. */
	set(batch: Batch, userId: UserId, key: string, value: JsonValue | undefined, pos: PositionOrAnnounced): void;
	/** Finds all fields; an empty object where there are none. */
	find(userId: UserId): Promise<Record<string, JsonValue>>;
	findMany(userIds: readonly UserId[]): Promise<Map<UserId, Record<string, JsonValue>>>;
	/** Lists profiles of this server whose user id or display name contains the text, ignoring case; for the user directory. */
	search(text: string, page: {readonly after?: UserId | undefined; readonly limit: number}): Promise<UserId[]>;
	/** Forgets fields that were removed below a position, some hundreds at once; how many it were. */
	sweepRemoved(batch: Batch, before: Position): Outcome<number>;
}

/** A device, which is a session. */
export interface DeviceRow {
	readonly userId: UserId;
	readonly deviceId: DeviceId;
	readonly displayName: string | null;
	/** Days since the Unix epoch; `null` where it was never kept. */
	readonly lastSeenDay: number | null;
}

/** Where a device was last seen from. */
export interface DeviceAddressRow {
	readonly userId: UserId;
	readonly deviceId: DeviceId;
	readonly address: string;
	/** Days since the Unix epoch. */
	readonly seenDay: number;
}

/** An access token. Only its hash is stored. */
export interface AccessTokenRow {
	readonly tokenHash: string;
	readonly userId: UserId;
	readonly deviceId: DeviceId;
	/** Milliseconds; `null`: never. */
	readonly expiresTs: number | null;
	/** The refresh token that it came with; `null` for sessions without refresh. */
	readonly refreshHash: string | null;
}

/** What authentication needs, in one read. */
export interface Session extends AccessTokenRow {
	readonly account: Omit<AccountRow, 'passwordHash'>;
	readonly displayName: string | null;
	readonly lastSeenDay: number | null;
	/** Whether the device waits for approval. */
	readonly isQuarantined: boolean;
}

/** An access token that has ended, and whether another token still opens its session. */
export interface EndedToken {
	readonly tokenHash: string;
	readonly userId: UserId;
	readonly deviceId: DeviceId;
	readonly expiresTs: number;
	readonly isAlive: boolean;
}

/** A refresh token. Only its hash is stored. */
export interface RefreshTokenRow {
	readonly tokenHash: string;
	readonly userId: UserId;
	readonly deviceId: DeviceId;
	/** Milliseconds; `null`: never. */
	readonly expiresTs: number | null;
	/** The token it was exchanged for; it stays good until that one, or its access token, is first used. */
	readonly nextHash: string | null;
}

/** What all refresh tokens of one session have in common. Only its hash is stored. */
export interface RefreshFamilyRow {
	readonly familyHash: string;
	readonly userId: UserId;
	readonly deviceId: DeviceId;
}

/** Devices, their access and refresh tokens. */
export interface DevicesRepository {
	/** Adds a device, or keeps the one that exists (its name stays). */
	add(batch: Batch, device: DeviceRow): void;
	/** ConflictError('device') where there is no such device. */
	setDisplayName(batch: Batch, userId: UserId, deviceId: DeviceId, displayName: string | null): void;
	setLastSeen(batch: Batch, userId: UserId, deviceId: DeviceId, day: number): void;
	/** Notes where a device was seen from, in place of what was noted before; nothing for a device that is gone. */
	setAddress(batch: Batch, address: DeviceAddressRow): void;
	listAddresses(userId: UserId): Promise<DeviceAddressRow[]>;
	/** Removes the addresses of devices that were last seen before a day, some hundreds of days at once; how many it were. */
	sweepAddresses(batch: Batch, beforeDay: number): Outcome<number>;
	/**
	 * Removes a device and all that hangs on it: tokens, device keys and signatures on and by them, one-time and fallback
	 * keys, waiting to-device messages, pushers, client transactions, OpenID tokens, snapshots of connections. A dehydrated
	 * device is one no more. The caller announces `device` and `device_list`.
	 */
	remove(batch: Batch, userId: UserId, deviceId: DeviceId): void;
	find(userId: UserId, deviceId: DeviceId): Promise<DeviceRow | undefined>;
	listOfUser(userId: UserId): Promise<DeviceRow[]>;
	/** Lists the devices of several users; of those who have none, none. */
	listOfUsers(userIds: readonly UserId[]): Promise<Pick<DeviceRow, 'userId' | 'deviceId'>[]>;

	addAccessToken(batch: Batch, token: AccessTokenRow): void;
	/** Removes the access tokens of a device but one: a new token ends the old ones. */
	removeAccessTokens(batch: Batch, userId: UserId, deviceId: DeviceId, exceptHash?: string): void;
	/** Removes all access and refresh tokens of a device, which itself stays: it is about to be signed in anew. */
	removeTokens(batch: Batch, userId: UserId, deviceId: DeviceId): void;
	/** Finds the session of an access token with its account's states; expiry is for the caller to judge. */
	findSession(tokenHash: string): Promise<Session | undefined>;
	/**
	 * Lists access tokens that ended before a time, oldest first. A session is alive while it has a token, of either kind,
	 * that did not end before that time. At most 1,000.
	 */
	listEndedTokens(
		beforeTs: number,
		page: {readonly after?: Pick<EndedToken, 'expiresTs' | 'tokenHash'> | undefined; readonly limit: number},
	): Promise<EndedToken[]>;
	/**
	 * Sets the end of access tokens that ended before a day (midnight UTC, in milliseconds) to the end of the day on which it
	 * was, some hundreds at once; how many it were.
	 */
	coarsenEnds(batch: Batch, beforeTs: number): Outcome<number>;

	addRefreshToken(batch: Batch, token: RefreshTokenRow): void;
	/** Notes whose a family of refresh tokens is; it goes with the device's tokens. */
	addRefreshFamily(batch: Batch, family: RefreshFamilyRow): void;
	findRefreshFamily(familyHash: string): Promise<RefreshFamilyRow | undefined>;
	/**
	 * Exchanges a refresh token for `next`. Of two exchanges of one token the second replaces what the first gave
	 * (the client may not have received it), as long as `next` of the first is unused; else ConflictError('refresh_token').
	 */
	exchangeRefreshToken(batch: Batch, tokenHash: string, replaced: string | null, next: RefreshTokenRow): void;
	/** Removes a refresh token and the access tokens that came with it: its successor was used. */
	removeRefreshToken(batch: Batch, tokenHash: string): void;
	findRefreshToken(tokenHash: string): Promise<RefreshTokenRow | undefined>;
	/** Lists refresh tokens whose exchange led to this one. */
	listRefreshTokensBefore(nextHash: string): Promise<RefreshTokenRow[]>;
}

/** A token by which a third party learns whose it is, and nothing else. Only its hash is stored. */
export interface OpenIdTokenRow {
	readonly tokenHash: string;
	readonly userId: UserId;
	/** The device that asked for it; the token goes with it. */
	readonly deviceId: DeviceId;
	/** Milliseconds. */
	readonly expiresTs: number;
}

/** OpenID tokens. */
export interface OpenIdTokensRepository {
	/** Adds a token; of the device's earlier ones the `kept` that end last stay. */
	add(batch: Batch, token: OpenIdTokenRow, kept: number): void;
	/** Finds a token; expiry is for the caller to judge. */
	find(tokenHash: string): Promise<OpenIdTokenRow | undefined>;
	/** Removes tokens that ended before a time, at most 10,000 distinct ends. */
	sweep(batch: Batch, beforeTs: number): void;
}

/** One piece of account data. */
export interface AccountDataRow {
	readonly userId: UserId;
	/** `null`: of the account. */
	readonly roomId: RoomId | null;
	readonly type: string;
	/** `null`: deleted at `pos`. */
	readonly content: JsonObject | null;
	readonly pos: Position;
}

/** Account data: global, of rooms, tags, push rules (`m.push_rules`), read markers. */
export interface AccountDataRepository {
	/** Sets account data; `null` content deletes it and leaves a tombstone with the position. */
	set(
		batch: Batch,
		data: {
			readonly userId: UserId;
			readonly roomId: RoomId | null;
			readonly type: string;
			readonly content: JsonObject | null;
			readonly pos: PositionOrAnnounced;
		},
	): void;
	/** Finds account data; deleted ones are `undefined`. */
	find(userId: UserId, roomId: RoomId | null, type: string): Promise<AccountDataRow | undefined>;
	/** Lists a user's account data that changed in `(after, upto]`, of the account and of all rooms, tombstones included. `after` 0 with tombstones left out is all. */
	listChanged(userId: UserId, after: Position, upto: Position): Promise<AccountDataRow[]>;
	/** Forgets account data that was deleted below a position, some hundreds at once; how many it were. */
	sweepDeleted(batch: Batch, before: Position): Outcome<number>;
}

/** Filters that clients stored. */
export interface FiltersRepository {
	/** Adds a filter and gives its id; the same JSON gives the same id. */
	add(batch: Batch, userId: UserId, filter: JsonObject): Promise<string>;
	find(userId: UserId, filterId: string): Promise<JsonObject | undefined>;
	/** Lists a person's filters in the order of their ids. At most 1,000. */
	listOfUser(
		userId: UserId,
		page: {readonly after?: string | undefined; readonly limit: number},
	): Promise<{readonly filterId: string; readonly filter: JsonObject}[]>;
}

/** A pusher. */
export interface PusherRow {
	readonly userId: UserId;
	readonly deviceId: DeviceId;
	readonly appId: string;
	readonly pushkey: string;
	/** The pusher as the client set it. */
	readonly json: JsonObject;
	/** Where the stream stood when it was set: it tells of nothing earlier. */
	readonly pos: Position;
}

/** Pushers. */
export interface PushersRepository {
	/** Sets a pusher, keyed by user, app id and pushkey. */
	set(batch: Batch, pusher: Omit<PusherRow, 'pos'> & {readonly pos: PositionOrAnnounced}): void;
	remove(batch: Batch, userId: UserId, appId: string, pushkey: string): void;
	/** Removes the pushers of other users with this app id and pushkey. */
	removeOfOthers(batch: Batch, userId: UserId, appId: string, pushkey: string): void;
	listOfUser(userId: UserId): Promise<PusherRow[]>;
	/** Lists the pushers of all users with this app id and pushkey. At most 1,000. */
	listOfKey(appId: string, pushkey: string): Promise<PusherRow[]>;
	list(): Promise<PusherRow[]>;
}
