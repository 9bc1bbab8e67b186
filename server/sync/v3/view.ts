import type {DeviceId, RoomId, UserId} from '../../../crypto/index.ts';
import type {Engine} from '../../../federation/engine/index.ts';
import type {AccountDataRow, MembershipRow, Position, Storage} from '../../../storage/index.ts';
import type {KeyCounts} from '../../encryption/index.ts';
import type {Ephemeral} from '../../ephemeral/index.ts';
import type {Events, Unwanted} from '../../events/index.ts';
import type {CompiledFilter} from '../../filters/index.ts';
import type {PushRules} from '../../push/index.ts';
import type {PartialRooms} from '../partial-rooms.ts';
import type {Positions} from '../positions.ts';
import type {RoomStates} from '../room-states.ts';
import type {RoomTails} from '../room-tails.ts';
import type {Summaries} from '../summaries.ts';
import type {SyncToken} from '../tokens.ts';
import type {Unread} from '../unread.ts';
import type {SentMembers} from './sent-members.ts';

/** Whose device lists changed, whom somebody has met, and how many keys are left: what sync asks of the encryption domain. */
export interface EncryptionSource {
	listDeviceListChanges(
		userId: UserId,
		since: Position,
		upto: Position,
	): Promise<{readonly changed: readonly UserId[]; readonly left: readonly UserId[]}>;
	/** Counts the keys of a device that others may still claim. */
	countKeys(userId: UserId, deviceId: DeviceId): Promise<KeyCounts>;
	/** Lists with whom the user has come to share a room. */
	listMet(userId: UserId, since: Position, upto: Position): Promise<readonly UserId[]>;
}

/** What answers are made of. */
export interface SyncParts {
	readonly storage: Storage;
	readonly engine: Engine;
	readonly events: Events;
	readonly pushRules: PushRules;
	readonly ephemeral: Ephemeral;
	readonly encryption: EncryptionSource;
	readonly positions: Positions;
	readonly tails: RoomTails;
	readonly states: RoomStates;
	readonly summaries: Summaries;
	readonly partialRooms: PartialRooms;
	readonly unread: Unread;
	readonly sentMembers: SentMembers;
	/** Told of a room that is left out because it cannot be read back from the database. */
	readonly onDamage?: ((cause: unknown) => void) | undefined;
}

/** How the state after a timeline is called: by the specification, and by clients older than it. @see proposal 4222 */
export type StateAfterName = 'state_after' | 'org.matrix.msc4222.state_after';

/** Gives the key under which an answer tells state. */
export function stateNameOf({usesStateAfter, stateAfterName}: View): StateAfterName | 'state' {
	return usesStateAfter ? (stateAfterName ?? 'state_after') : 'state';
}

/** One answer: for whom, from where, up to where. */
export interface View {
	readonly userId: UserId;
	readonly deviceId: DeviceId;
	readonly filter: CompiledFilter;
	readonly since: SyncToken | undefined;
	/**
	 * The token of a device that was away for so long that what changed since has been swept: it is told all that is, as
	 * if it knew nothing, and beside that what has left its lists.
	 */
	readonly outdated: SyncToken | undefined;
	/** The stream, and what is in memory only, as this answer sees them. */
	readonly upto: Position;
	readonly seq: number;
	/** The user's rooms at `upto`. */
	readonly rooms: ReadonlyMap<RoomId, MembershipRow>;
	/** Rooms that the user has left and forgotten lately: only who does not know of it yet is told. */
	readonly forgotten: ReadonlyMap<RoomId, MembershipRow>;
	readonly isFullState: boolean;
	readonly usesStateAfter: boolean;
	readonly stateAfterName?: StateAfterName | undefined;
	readonly unwanted: Unwanted;
	/** Account data of rooms that is new to the device. */
	readonly roomAccountData: ReadonlyMap<RoomId, readonly AccountDataRow[]>;
}
