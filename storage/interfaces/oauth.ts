import type {DeviceId, JsonObject, UserId} from '../../crypto/index.ts';
import type {Batch, Outcome} from '../batch.ts';

/** A program that people sign in with. */
export interface OAuthClientRow {
	readonly clientId: string;
	/** What it said of itself, as far as that is kept. */
	readonly metadata: JsonObject;
	/** When it last registered, in milliseconds. */
	readonly usedTs: number;
}

/** By whose word somebody was signed in who consented. */
interface UpstreamColumns {
	/** The provider's id in the configuration; `null`: they showed by themselves who they are. */
	readonly upstreamProviderId: string | null;
	/** The session at the provider, where it names one. */
	readonly upstreamSessionId: string | null;
}

/** An authorisation code. Only its hash is stored. */
export interface OAuthCodeRow extends UpstreamColumns {
	readonly codeHash: string;
	readonly clientId: string;
	readonly userId: UserId;
	readonly deviceId: DeviceId;
	/** What was granted, as the client spelled it. */
	readonly scope: string;
	readonly redirectUri: string;
	/** The S256 challenge: URL-safe base64 of a SHA-256. */
	readonly codeChallenge: string;
	/** Milliseconds. */
	readonly expiresTs: number;
	readonly isUsed: boolean;
}

/** A device code, with what has become of it. Only hashes of both codes are stored. */
export interface OAuthDeviceCodeRow extends UpstreamColumns {
	readonly codeHash: string;
	readonly userCodeHash: string;
	readonly clientId: string;
	readonly deviceId: DeviceId;
	readonly scope: string;
	/** Milliseconds. */
	readonly expiresTs: number;
	/** When the device last asked, in milliseconds. */
	readonly polledTs: number;
	readonly state: 'pending' | 'approved' | 'denied' | 'used';
	/** Who consented; empty before that. */
	readonly userId: UserId | '';
}

/** What somebody has consented to and no device has come for yet. */
export interface WaitingCodeRow extends UpstreamColumns {
	readonly codeHash: string;
}

/** A device that signed in by OAuth. */
export interface OAuthSessionRow {
	readonly userId: UserId;
	readonly deviceId: DeviceId;
	readonly clientId: string;
	readonly scope: string;
	/** The hash of the code that it was opened with. */
	readonly codeHash: string;
}

/** What signing in by OAuth keeps beside devices and their tokens. */
export interface OAuthRepository {
	/**
	 * Adds a client, or notes that it was used again; of the clients that nobody is signed in with the `kept` last used
	 * ones stay.
	 */
	addClient(batch: Batch, client: OAuthClientRow, kept: number): void;
	findClient(clientId: string): Promise<OAuthClientRow | undefined>;
	/** Removes clients last used before a time that nobody is signed in with, some hundreds of times at once. */
	sweepClients(batch: Batch, beforeTs: number): Outcome<number>;
	addCode(batch: Batch, code: OAuthCodeRow): void;
	/** Finds a code; expiry and use are for the caller to judge. */
	findCode(codeHash: string): Promise<OAuthCodeRow | undefined>;
	/** Uses a code up; ConflictError('oauth_code') where it was used already. */
	useCode(batch: Batch, codeHash: string): void;
	/** Removes the codes and device codes that a person has consented to. */
	removeCodesOf(batch: Batch, userId: UserId): void;
	/** Lists the codes and device codes that a person has consented to. */
	listCodesOf(userId: UserId): Promise<WaitingCodeRow[]>;
	/** Removes a code or device code. */
	removeCode(batch: Batch, codeHash: string): void;
	/** Removes codes and device codes that ended before a time, some hundreds of times at once. */
	sweepCodes(batch: Batch, beforeTs: number): Outcome<number>;
	addDeviceCode(batch: Batch, code: OAuthDeviceCodeRow): void;
	findDeviceCode(codeHash: string): Promise<OAuthDeviceCodeRow | undefined>;
	findDeviceCodeByUserCode(userCodeHash: string): Promise<OAuthDeviceCodeRow | undefined>;
	/** Notes that a device has asked. */
	setPolled(batch: Batch, codeHash: string, polledTs: number): void;
	/** Says what has become of a device code; ConflictError('oauth_code') where it is not `from` any more. */
	decideDeviceCode(
		batch: Batch,
		decision: WaitingCodeRow &
			Pick<OAuthDeviceCodeRow, 'state' | 'userId'> & {readonly from: OAuthDeviceCodeRow['state']},
	): void;
	/** Says that a device signed in by OAuth; it goes with the device's tokens. */
	addSession(batch: Batch, session: OAuthSessionRow): void;
	findSession(userId: UserId, deviceId: DeviceId): Promise<OAuthSessionRow | undefined>;
	listSessions(userId: UserId): Promise<OAuthSessionRow[]>;
}
