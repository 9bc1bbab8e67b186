import {
	type DeviceId,
	hashToken,
	isToken,
	newOpaqueId,
	newToken,
	type PasswordHasher,
	type ServerName,
	type UserId,
	type RandomBytes,
} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import {type AccountRow, type Batch, ConflictError, DuplicateError, type Storage} from '../../storage/index.ts';
import type {BridgedNames} from '../appservices/index.ts';
import {
	type DeviceKey,
	type DeviceRequest,
	type Devices,
	type IssuedSession,
	type IssuedTokens,
	unknownRefreshToken,
} from '../devices/index.ts';
import type {SecondFactor} from '../second-factor/index.ts';
import type {NoticeQueue} from '../notices/index.ts';
import {deactivate} from './deactivate.ts';
import {AccountsError} from './errors.ts';
import {type Action, checkMay} from './gate.ts';
import {claimedUserId, newUserId} from './names.ts';
import {checkNewPassword, checkPasswordLength} from './password-rules.ts';
import type {PasswordDirectory} from './password-directory.ts';
import {type PasswordProof, provePassword, signIn} from './sign-in.ts';

/** What the accounts domain is built from. */
export interface AccountsDependencies {
	readonly storage: Storage;
	readonly devices: Devices;
	readonly passwords: PasswordHasher;
	readonly clock: Clock;
	readonly random: RandomBytes;
	readonly serverName: ServerName;
	readonly bridged: BridgedNames;
	readonly secondFactor: Pick<SecondFactor, 'isPasswordEnough' | 'tellOfPasswordUnawaited'>;
	readonly directory: PasswordDirectory;
	readonly notices: NoticeQueue;
	/** Who tells people of their accounts: a name that nobody else gets. */
	readonly noticesSender: UserId | undefined;
}

/** Who a request comes from. */
export interface AccountCaller {
	readonly userId: UserId;
	readonly deviceId: DeviceId;
	readonly isGuest: boolean;
	readonly isAdmin: boolean;
	readonly isSuspended: boolean;
	/** The session sees nothing until it is approved. */
	readonly isQuarantined: boolean;
}

/** What else is written in the commit of a change. */
export type AlsoWrite = (batch: Batch) => void;

/** A new account. */
export interface Registration {
	/** From {@link Accounts.checkNewName} or {@link Accounts.inventName}. */
	readonly userId: UserId;
	/** Absent: no password signs in. */
	readonly password?: string | undefined;
	/** Makes an administrator; default: as the registration token says. */
	readonly isAdmin?: boolean;
	/** The hash of a registration token, which is used once more in the same commit. */
	readonly registrationTokenHash?: string | undefined;
	/** The first session; absent: none is opened. */
	readonly device?: DeviceRequest | undefined;
	readonly alsoWrite?: AlsoWrite | undefined;
}

/** A token that lets people register, as an administrator makes it. */
export interface NewRegistrationToken {
	/** What administrators see. */
	readonly name: string;
	/** `null`: without limit. */
	readonly usesAllowed: number | null;
	/** Milliseconds since the Unix epoch; `null`: never. */
	readonly expiresTs: number | null;
	readonly makesAdmin: boolean;
	/** The token itself; absent: one that nobody guesses is made. */
	readonly text?: string | undefined;
	readonly alsoWrite?: AlsoWrite | undefined;
}

/** The accounts of this server. */
export interface Accounts {
	/**
	 * Gives who has this access token; `undefined` where nobody has. Costs a hash and a look into memory where the
	 * token was used lately.
	 * @param options.address where it comes from; asked for, and noted, only where the settings want addresses kept
	 * @throws AccountsError 'locked'; DevicesError 'session-expired'
	 */
	authenticate(
		accessToken: string,
		options: {readonly allowsLocked: boolean; readonly address?: (() => string) | undefined},
	): Promise<AccountCaller | undefined> | AccountCaller | undefined;
	/** Gives the user id that a new account of this name would have. @throws AccountsError 'invalid-username' */
	checkNewName(username: string): UserId;
	/** Gives the user id for an account whose person chose no name. */
	inventName(): UserId;
	/** Whether the name was ever given to anybody, or is an application service's: which of the two is not for strangers. */
	isNameTaken(userId: UserId): Promise<boolean>;
	/** Gives the user id of this server that a claimed name, full or only its localpart, stands for. */
	claimedUserId(name: string): UserId | undefined;
	/**
	 * Makes an account, and its first session where one is asked for.
	 * @throws AccountsError 'exclusive', 'user-in-use', 'registration-token-spent', 'weak-password', 'password-too-long'
	 */
	register(registration: Registration): Promise<{readonly userId: UserId; readonly session?: IssuedSession}>;
	/**
	 * Opens a session by password. An unknown name costs what a wrong password costs, and both are answered at the
	 * next tick of a fixed grid; so is the right password of an account that has, or must have, a second factor.
	 * @param userId `undefined` for a name that nobody here could have
	 * @throws AccountsError 'wrong-password', 'deactivated', 'locked'
	 */
	signIn(attempt: {
		readonly userId: UserId | undefined;
		readonly password: string;
		readonly device: DeviceRequest;
	}): Promise<IssuedSession>;
	/**
	 * Checks a name and a password without opening a session, at the cost and in the time of {@link Accounts.signIn}.
	 * @throws AccountsError 'wrong-password', 'deactivated', 'locked'
	 */
	provePassword(claim: {readonly userId: UserId | undefined; readonly password: string}): Promise<PasswordProof>;
	/** Whether this is the password of the account. Costs the same where there is no such account. */
	checkPassword(userId: UserId, password: string): Promise<boolean>;
	/** Checks what somebody wants for a password. @throws AccountsError 'weak-password', 'password-too-long' */
	checkNewPassword(password: string): void;
	/**
	 * Exchanges a refresh token.
	 * @param oauthClientId who comes with it through OAuth; absent: a client of the older API. Neither has the other's
	 * @throws DevicesError; AccountsError 'locked', 'deactivated'
	 */
	refresh(refreshToken: string, oauthClientId?: string): Promise<IssuedTokens>;
	/**
	 * Sets another password, and ends the other sessions if asked. Browsers are signed out in any case, but the one named,
	 * and links that are in the mail are good no more.
	 * @throws AccountsError 'weak-password', 'password-too-long', 'unknown-account'
	 */
	changePassword(
		userId: UserId,
		newPassword: string,
		options: {
			readonly endsOtherSessions: boolean;
			readonly keeps?: DeviceId | undefined;
			readonly alsoWrite?: AlsoWrite | undefined;
			/** What its owner is told; absent: that it was changed. */
			readonly notice?: 'password-recovered' | undefined;
			/** The hash by which a browser's session is known. */
			readonly keepsWebSession?: string | undefined;
		},
	): Promise<void>;
	/**
	 * Ends an account for good: sessions, devices, keys, profile, account data and all else that is kept for its person
	 * alone go in one commit, and nobody gets its name again. Background jobs leave its rooms and remove the keys in its
	 * backups. With `erase` its media go too, and who comes into a room later sees nothing of what it wrote there.
	 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountdeactivate
	 * @throws AccountsError 'unknown-account'
	 */
	deactivate(
		userId: UserId,
		options: {readonly erase: boolean; readonly alsoWrite?: AlsoWrite | undefined},
	): Promise<void>;
	/** Gives the hash of a registration token that is good now. */
	findRegistrationToken(token: string): Promise<string | undefined>;
	/** Makes a registration token; it is not kept, only its hash is. */
	createRegistrationToken(token: NewRegistrationToken): Promise<string>;
	find(userId: UserId): Promise<AccountRow | undefined>;
	/** Whether there is any account at all. */
	isEmpty(): Promise<boolean>;
}

/** Makes the accounts domain. */
export function createAccounts(dependencies: AccountsDependencies): Accounts {
	const {storage, devices, passwords, random, serverName} = dependencies;

	async function checkMayRefresh({userId, deviceId}: DeviceKey, oauthClientId: string | undefined): Promise<void> {
		const session = await storage.oauth.findSession(userId, deviceId);
		if (session?.clientId !== oauthClientId) throw unknownRefreshToken();
		const account = await storage.accounts.find(userId);
		if (account !== undefined) {
			// A client of the OAuth API gives its session up when it cannot refresh; of a lock it is told by all else.
			checkMay(oauthClientId === undefined ? 'use' : 'log-out', account);
		}
	}

	return {
		authenticate: createAuthenticator(devices),
		checkNewName: (username) => newUserId(username, serverName),
		inventName: () => newUserId(newOpaqueId(random).toLowerCase(), serverName),
		isNameTaken: async (userId) =>
			(await storage.accounts.find(userId)) !== undefined || isReserved(dependencies, userId),
		claimedUserId: (name) => claimedUserId(name, serverName),
		register: (registration) => register(dependencies, registration),
		signIn: (attempt) => signIn(dependencies, attempt),
		provePassword: (claim) => provePassword(dependencies, claim),
		async checkPassword(userId, password) {
			checkPasswordLength(password);
			const account = await storage.accounts.find(userId);
			if (await passwords.verify(password, account?.passwordHash ?? undefined)) return true;
			const found = await dependencies.directory.find({userId, account, password});
			return found?.userId === userId;
		},
		refresh: (refreshToken, oauthClientId) =>
			devices.refresh(refreshToken, (session) => checkMayRefresh(session, oauthClientId)),
		checkNewPassword,
		async changePassword(userId, newPassword, options) {
			const {endsOtherSessions, keeps, keepsWebSession, alsoWrite, notice = 'password-changed'} = options;
			checkNewPassword(newPassword);
			const batch = storage.batch();
			storage.accounts.setPassword(batch, userId, await passwords.hash(newPassword));
			storage.webSessions.removeOfUser(batch, userId, keepsWebSession);
			dependencies.notices.add(batch, userId, {kind: notice, deviceId: keeps});
			if (endsOtherSessions) {
				await devices.removeAll(batch, userId, {except: keeps, reason: 'new-password'});
			}
			alsoWrite?.(batch);
			// Links that were asked for before, by whoever knew the old one, are over; the one that is used now is used first.
			storage.mailValidations.removeOfUser(batch, userId);
			await storage.commit(batch).catch(orUnknownAccount);
		},
		deactivate: (userId, options) => deactivate(dependencies, userId, options),
		async findRegistrationToken(token) {
			// The set-up link lies beside them, makes an administrator, and is good for its page alone.
			if (isToken(token, 'setup')) {
				return undefined;
			}
			const row = await storage.accounts.findRegistrationToken(hashToken(token));
			const isGood =
				row !== undefined &&
				(row.usesAllowed === null || row.usesDone < row.usesAllowed) &&
				(row.expiresTs === null || row.expiresTs > dependencies.clock.now());
			return isGood ? row.tokenHash : undefined;
		},
		async createRegistrationToken({alsoWrite, text = newToken('registration', random), ...token}) {
			const batch = storage.batch();
			storage.accounts.addRegistrationToken(batch, {...token, tokenHash: hashToken(text), usesDone: 0});
			alsoWrite?.(batch);
			await storage.commit(batch);
			return text;
		},
		find: (userId) => storage.accounts.find(userId),
		isEmpty: async () => (await storage.accounts.count()) === 0,
	};
}

function createAuthenticator(devices: Devices): Accounts['authenticate'] {
	type Found = Awaited<ReturnType<Devices['findSession']>>;

	function judge(session: Found, action: Action): AccountCaller | undefined {
		// A deactivated account has no sessions; one that is opened while it is being deactivated is worth nothing.
		if (session === undefined || session.account.isDeactivated) {
			return undefined;
		}
		checkMay(action, session.account);
		const {isGuest, isAdmin, isSuspended} = session.account;
		const {userId, deviceId, isQuarantined} = session;
		return {userId, deviceId, isGuest, isAdmin, isSuspended, isQuarantined};
	}

	return (accessToken, {allowsLocked, address}) => {
		const action = allowsLocked ? 'log-out' : 'use';
		const found = devices.findSession(accessToken, address);
		return found instanceof Promise ? found.then((session) => judge(session, action)) : judge(found, action);
	};
}

/** Whether a name is kept for somebody who does not register. */
function isReserved({bridged, noticesSender}: AccountsDependencies, userId: UserId): boolean {
	return bridged.isReserved(userId) || userId === noticesSender;
}

async function register(
	dependencies: AccountsDependencies,
	{userId, password, isAdmin, registrationTokenHash, device, alsoWrite}: Registration,
): Promise<{userId: UserId; session?: IssuedSession}> {
	const {storage, devices, passwords, clock} = dependencies;
	if (isReserved(dependencies, userId)) {
		throw new AccountsError('exclusive', 'The name belongs to an application service, or to the server');
	}
	if (password !== undefined) {
		checkNewPassword(password);
	}
	const token =
		registrationTokenHash === undefined
			? undefined
			: await storage.accounts.findRegistrationToken(registrationTokenHash);
	const batch = storage.batch();
	storage.accounts.add(batch, {
		userId,
		passwordHash: password === undefined ? null : await passwords.hash(password),
		isAdmin: isAdmin ?? token?.makesAdmin ?? false,
		isGuest: false,
		isDeactivated: false,
		isLocked: false,
		isSuspended: false,
		isErased: false,
		createdDay: Math.floor(clock.now() / 86_400_000),
	});
	batch.announce({kind: 'account', subject: userId});
	if (registrationTokenHash !== undefined) {
		storage.accounts.redeemRegistrationToken(batch, registrationTokenHash, clock.now());
	}
	alsoWrite?.(batch);
	const session = device === undefined ? undefined : await devices.open(batch, userId, device);
	try {
		await storage.commit(batch);
	} catch (cause) {
		if (cause instanceof DuplicateError && cause.table === 'accounts') {
			throw nameTaken({cause});
		}
		if (cause instanceof ConflictError && cause.condition === 'registration_token') {
			throw new AccountsError('registration-token-spent', 'This registration token has been used up', {cause});
		}
		throw cause;
	}
	return session === undefined ? {userId} : {userId, session};
}

/** The error for a name that is taken. */
export function nameTaken(options?: ErrorOptions): AccountsError {
	return new AccountsError('user-in-use', 'This user name is taken', options);
}

function orUnknownAccount(cause: unknown): never {
	if (cause instanceof ConflictError && cause.condition === 'account') {
		throw new AccountsError('unknown-account', 'No such account', {cause});
	}
	throw cause;
}
