import type {RoomId} from '../../crypto/index.ts';
import type {MembershipRow, Position} from '../../storage/index.ts';
import type {Feed} from './feed.ts';

/** A user's rooms and the stream's head in one moment, in which they agree. */
export interface Moment {
	readonly feed: Feed;
	/** The last change that concerned the user by then. */
	readonly touched: Position;
	readonly rooms: ReadonlyMap<RoomId, MembershipRow>;
	/** Those that the user has left and forgotten lately. */
	readonly forgotten: ReadonlyMap<RoomId, MembershipRow>;
	readonly upto: Position;
	/** Of what is in memory only. */
	readonly seq: number;
}
