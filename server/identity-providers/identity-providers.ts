import type {RandomBytes, UserId} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import {type Batch, ConflictError, type IdentityRow, type Storage} from '../../storage/index.ts';
import type {Accounts} from '../accounts/index.ts';
import type {IdentityProviderConfig} from '../config/index.ts';
import type {Devices, OpenedSession} from '../devices/index.ts';
import type {NoticeQueue} from '../notices/index.ts';
import {registerArrival} from './arrivals.ts';
import {endSessions} from './end-sessions.ts';
import {IdentityError} from './errors.ts';
import {beginFlow, finishFlow} from './flows.ts';
import type {ProviderFetch} from './provider-fetch.ts';
import {openProviders} from './providers.ts';

/** An end of a session is known again for longer than a token of it is good. */
const LOGOUT_KNOWN_MS = 60 * 60 * 1000;

/** What the domain is built from. */
export interface IdentityProvidersDependencies {
	readonly storage: Storage;
	readonly accounts: Pick<Accounts, 'checkNewName' | 'register'>;
	readonly devices: Pick<Devices, 'remove'>;
	readonly clock: Clock;
	readonly random: RandomBytes;
	/** Where an account's owner is told who vouches for it. */
	readonly notices: NoticeQueue;
	readonly publicUrl: string;
	readonly providers: readonly IdentityProviderConfig[];
	/** Asks where a provider's documents lead away from itself; throws where that may not be reached. */
	readonly fetchElsewhere: ProviderFetch;
}

/** A provider, as people are shown it. */
export interface ShownProvider {
	readonly id: string;
	readonly name: string;
}

/** What a provider's word is worth, for the browser's session. */
export interface UpstreamProof {
	readonly userId: UserId;
	readonly upstream: {readonly providerId: string; readonly sessionId: string | null};
	readonly isWhole: boolean;
	/** When the provider has asked who it is, in milliseconds; absent: it does not say. */
	readonly askedTs: number | undefined;
	readonly returnTo: string | undefined;
}

/** Who came back from a provider. */
export type Arrival =
	| ({readonly kind: 'known'} & UpstreamProof)
	/** Somebody without an account, who is to choose a name. */
	| {readonly kind: 'new'}
	/** Somebody whose account is linked now. */
	| {readonly kind: 'linked'; readonly returnTo: string | undefined};

/** Other services that vouch for people, by OpenID Connect. */
export interface IdentityProviders {
	/** The providers that a browser can be sent to, in the order of the configuration. */
	readonly shown: readonly ShownProvider[];
	/**
	 * Gives the address at the provider that a browser is sent to.
	 * @param way.isRepeated whether the provider is to ask once more who it is; default: no
	 * @param way.linksUserId who is signed in and wants their account linked; absent: somebody signs in
	 * @throws IdentityError 'unknown-provider', 'unavailable'
	 */
	begin(
		providerId: string,
		way: {
			readonly webSessionHash: string;
			readonly returnTo: string | undefined;
			readonly linksUserId?: UserId | undefined;
			readonly isRepeated?: boolean;
		},
	): Promise<string>;
	/**
	 * Takes in a browser that comes back, once. Somebody who is linked to no account gets one, if its name is free.
	 * @param back.uri path and query as the browser asks for them
	 * @param back.userId who is signed in
	 * @throws IdentityError 'unknown-provider', 'no-flow', 'refused', 'not-asked-anew', 'unavailable', 'no-account',
	 *   'linked-elsewhere'
	 */
	finish(
		providerId: string,
		back: {readonly webSessionHash: string; readonly uri: string; readonly userId: UserId | undefined},
	): Promise<Arrival>;
	/** Finds the name that is suggested to a browser's person who is to choose one; `undefined`: nobody is. */
	findSuggestion(webSessionHash: string): Promise<{readonly suggestion: string} | undefined>;
	/** Makes the account of a browser's person under the name they chose. @throws AccountsError; IdentityError 'no-flow' */
	register(webSessionHash: string, username: string): Promise<UpstreamProof>;
	/** Lists who vouches for somebody. */
	listOf(userId: UserId): Promise<IdentityRow[]>;
	/**
	 * Takes a link away, and signs browsers out that the provider has let in.
	 * @param keepsWebSession the hash of the browser's session that stays
	 * @throws IdentityError 'last-way-in'
	 */
	unlink(userId: UserId, providerId: string, keepsWebSession: string): Promise<void>;
	/**
	 * Ends the sessions that came from a provider's session, as the provider tells by a logout token.
	 * @throws IdentityError 'unknown-provider', 'bad-logout-token', 'unavailable'
	 */
	logOut(providerId: string, logoutToken: string): Promise<void>;
	/** Notes with a session that is opened by which provider's word it was, to be able to end it. */
	noteSession(
		batch: Batch,
		session: Pick<OpenedSession, 'userId' | 'deviceId' | 'webSessionHash' | 'upstream'>,
	): Promise<void>;
}

/** Makes the domain. */
export function createIdentityProviders(dependencies: IdentityProvidersDependencies): IdentityProviders {
	const {storage, clock} = dependencies;
	const {identities} = storage;
	const providers = openProviders(dependencies);
	const context = {...dependencies, providers};
	return {
		shown: providers.shown,
		begin: (...request) => beginFlow(context, ...request),
		finish: (...request) => finishFlow(context, ...request),
		async findSuggestion(webSessionHash) {
			const arrival = await identities.findArrival(webSessionHash);
			return arrival && arrival.expiresTs > clock.now() ? {suggestion: arrival.suggestion ?? ''} : undefined;
		},
		register: (...request) => registerArrival(context, ...request),
		listOf: (userId) => identities.listOfUser(userId),
		async unlink(userId, providerId, keepsWebSession) {
			const batch = storage.batch();
			identities.remove(batch, userId, providerId);
			const providerIds = dependencies.providers.map(({id}) => id);
			storage.accounts.checkWayIn(batch, userId, providerIds);
			for (const {tokenHash, proofs} of await storage.webSessions.listOfUser(userId)) {
				const isTheirs = proofs.some(({upstream}) => upstream?.providerId === providerId);
				if (isTheirs && tokenHash !== keepsWebSession) storage.webSessions.remove(batch, tokenHash);
			}
			dependencies.notices.add(batch, userId, {kind: 'identity-unlinked'});
			await storage.commit(batch).catch(orLastWayIn);
		},
		async logOut(providerId, logoutToken) {
			const logout = await providers.get(providerId).readLogoutToken(logoutToken);
			const expiresTs = clock.now() + LOGOUT_KNOWN_MS;
			await endSessions(dependencies, {providerId, expiresTs, ...logout});
		},
		async noteSession(batch, {userId, deviceId, webSessionHash, upstream: known}) {
			const isAsked = known === undefined && webSessionHash !== undefined && providers.shown.length > 0;
			const browser = isAsked ? await storage.webSessions.find(webSessionHash) : undefined;
			const upstream = known ?? browser?.proofs.find((given) => given.upstream !== undefined)?.upstream;
			if (upstream !== undefined) identities.setDevice(batch, {userId, deviceId, ...upstream});
		},
	};
}

function orLastWayIn(cause: unknown): never {
	if (!(cause instanceof ConflictError) || cause.condition !== 'way_in') throw cause;
	throw new IdentityError('last-way-in', 'Nothing but this provider signs in to the account', {cause});
}
