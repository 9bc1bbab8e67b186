import type {DeviceId, UserId} from '../../crypto/index.ts';
import type {Batch} from '../batch.ts';

/** Whom another service vouches for, by its own lasting name. */
export interface IdentityRow {
	/** The provider's id in the configuration. */
	readonly providerId: string;
	readonly subject: string;
	readonly userId: UserId;
}

/** A browser that is on its way to another service. */
export interface UpstreamFlowRow {
	/** The hash of what the service gives back. */
	readonly flowId: string;
	readonly providerId: string;
	/** The browser. */
	readonly webSessionHash: string;
	readonly nonce: string;
	readonly codeVerifier: string;
	/** Whose account is to be linked; `null`: somebody signs in. */
	readonly linksUserId: UserId | null;
	readonly returnTo: string | null;
	/** Milliseconds. */
	readonly expiresTs: number;
}

/** A browser that has come back, and whose person has no account yet. */
export interface UpstreamArrivalRow {
	readonly webSessionHash: string;
	readonly providerId: string;
	readonly subject: string;
	/** The service's session. */
	readonly sessionId: string | null;
	/** A name that the service suggests. */
	readonly suggestion: string | null;
	readonly returnTo: string | null;
	/** Milliseconds. */
	readonly expiresTs: number;
}

/** A device that was signed in by what another service says. */
export interface UpstreamDeviceRow {
	readonly userId: UserId;
	readonly deviceId: DeviceId;
	readonly providerId: string;
	readonly sessionId: string | null;
}

/** Whom other services vouch for. */
export interface IdentitiesRepository {
	/** Links somebody; `DuplicateError('identities')` where that subject is linked already. */
	add(batch: Batch, identity: IdentityRow): void;
	/** Removes the links of somebody with a provider. */
	remove(batch: Batch, userId: UserId, providerId: string): void;
	find(providerId: string, subject: string): Promise<IdentityRow | undefined>;
	listOfUser(userId: UserId): Promise<IdentityRow[]>;

	addFlow(batch: Batch, flow: UpstreamFlowRow): void;
	/** Uses a flow up; ConflictError('upstream_flow') where there is none, or it has ended. */
	takeFlow(batch: Batch, flowId: string, nowMs: number): void;
	findFlow(flowId: string): Promise<UpstreamFlowRow | undefined>;
	/** Notes an arrival, in place of the browser's one before. */
	setArrival(batch: Batch, arrival: UpstreamArrivalRow): void;
	removeArrival(batch: Batch, webSessionHash: string): void;
	findArrival(webSessionHash: string): Promise<UpstreamArrivalRow | undefined>;
	/** Notes by what a device was signed in, in place of what was noted before; it goes with the device's tokens. */
	setDevice(batch: Batch, device: UpstreamDeviceRow): void;
	listDevices(userId: UserId): Promise<UpstreamDeviceRow[]>;
	/** Notes an end of a session; `DuplicateError('upstream_logouts')` where it was told before. */
	addLogout(
		batch: Batch,
		logout: {readonly providerId: string; readonly tokenId: string; readonly expiresTs: number},
	): void;
	/** Removes what has ended of flows, arrivals and ends of sessions. */
	sweep(batch: Batch, beforeTs: number): void;
}
