import type {DeviceId, RoomId, UserId} from '../../../crypto/index.ts';
import type {PresenceState} from '../../ephemeral/index.ts';

/** Matches entries of state; what is absent matches everything. */
export interface StateElement {
	readonly type: string | undefined;
	readonly stateKey: string | undefined;
}

/** Which state of a room is asked for. */
export interface RequiredState {
	readonly include: readonly StateElement[];
	/** Wins over `include`. */
	readonly exclude: readonly StateElement[];
	/** Members come as the timeline makes the client need them, unless they are included by their type or key. */
	readonly lazyMembers: boolean;
}

/** What is asked for of a room. */
export interface RoomRequest {
	/** 0 to 100. */
	readonly timelineLimit: number;
	readonly requiredState: RequiredState;
}

/** Which rooms belong to a list; what is absent excludes none. */
export interface ListFilters {
	readonly isDm?: boolean | undefined;
	readonly spaces?: readonly string[] | undefined;
	readonly isEncrypted?: boolean | undefined;
	readonly isInvited?: boolean | undefined;
	/** `null`: rooms without a type. */
	readonly roomTypes?: readonly (string | null)[] | undefined;
	readonly notRoomTypes?: readonly (string | null)[] | undefined;
	readonly tags?: readonly string[] | undefined;
	readonly notTags?: readonly string[] | undefined;
}

/** A window on the user's rooms, the most recently active first. */
export interface ListRequest extends RoomRequest {
	/** First and last index, both included; absent: all. */
	readonly ranges: readonly (readonly [number, number])[] | undefined;
	readonly filters: ListFilters;
}

/** The rooms that an extension tells of; an absent part means all. */
export interface ExtensionScope {
	/** Lists by name. */
	readonly lists: readonly string[] | undefined;
	/** Subscribed rooms. */
	readonly rooms: readonly string[] | undefined;
}

/** What is asked for beside rooms; what is absent is not told. */
export interface ExtensionRequests {
	readonly toDevice: {readonly since: string | undefined; readonly limit: number} | undefined;
	readonly e2ee: boolean;
	readonly accountData: ExtensionScope | undefined;
	readonly receipts: ExtensionScope | undefined;
	readonly typing: ExtensionScope | undefined;
}

/** Which connection of which device. */
export interface ConnectionKey {
	readonly userId: UserId;
	readonly deviceId: DeviceId;
	/** Empty where the client names none. */
	readonly connId: string;
}

/** What a device asks over one of its connections. */
export interface SlidingSyncRequest extends ConnectionKey {
	/** The position of the answer before; absent: the connection begins. */
	readonly pos: string | undefined;
	/** How long to wait for news. */
	readonly timeoutMs: number;
	/** How the user is to be seen by others meanwhile. */
	readonly presence: PresenceState;
	readonly lists: ReadonlyMap<string, ListRequest>;
	readonly subscriptions: ReadonlyMap<RoomId, RoomRequest>;
	readonly extensions: ExtensionRequests;
	/** Ends the wait. */
	readonly signal: AbortSignal;
}
