import type {RoomId} from '../../../crypto/index.ts';
import type {Position} from '../../../storage/index.ts';
import type {Feed} from '../feed.ts';
import type {Moment} from '../moment.ts';
import type {Snapshot, Told} from './told.ts';
import type {Scope} from './view.ts';

/** What a connection is beside its rooms. */
export interface ConnectionState {
	/** The client was told everything that it asked for up to here, of the rooms that are live. */
	readonly pos: Position;
	/** The count of what is in memory only, and its epoch. */
	readonly epoch: string;
	readonly seq: number;
	/** Whether the account's own data was told. */
	readonly hasGlobalData: boolean;
	readonly snapshot: Snapshot | undefined;
	/** What was told since the snapshot. */
	readonly changed: ReadonlyMap<RoomId, Told>;
}

/** A request that was answered with everything there was to tell. */
export interface Settled {
	/** A fingerprint of what it asked for. */
	readonly asked: string;
	readonly feed: Feed;
	readonly scope: Scope;
}

/** A connection as it was when one of its answers had been sent. Never changes: the client may come back to it again. */
export class Connection {
	readonly state: ConnectionState;
	/** The position's text, which the client brings back; absent of a connection that begins. */
	readonly token: string | undefined;
	/** The position before this one. */
	readonly previous: string | undefined;
	/**
	 * Rooms of which there was nothing more to tell at `pos`. Known only as long as the process runs; of other rooms it is
	 * known up to where they were last told.
	 */
	live: ReadonlySet<RoomId>;
	/** The last request that was answered here to its end; known likewise. */
	settled: Settled | undefined;

	constructor(
		state: ConnectionState,
		{token, previous, live, settled}: Partial<Pick<Connection, 'token' | 'previous' | 'live' | 'settled'>>,
	) {
		this.state = state;
		this.token = token;
		this.previous = previous;
		this.live = live ?? new Set();
		this.settled = settled;
	}

	/** Makes one that begins: nothing has been told yet. */
	static begin(): Connection {
		return new Connection(
			{pos: 0, epoch: '', seq: 0, hasGlobalData: false, snapshot: undefined, changed: new Map()},
			{},
		);
	}

	/** Whether the client has had an answer. */
	get hasBegun(): boolean {
		return this.token !== undefined;
	}

	/** Finds what was told of a room; `undefined`: nothing yet. */
	find(roomId: RoomId): Told | undefined {
		return this.state.changed.get(roomId) ?? this.state.snapshot?.rooms.get(roomId);
	}

	/** Gives the position after which anything in a room is new to the client. */
	sinceOf(roomId: RoomId, told: Told): Position {
		return this.live.has(roomId) ? Math.max(told.sent, this.state.pos) : told.sent;
	}

	/** Finds the rooms of a request that was answered here, where since then nothing concerned the user. */
	findSettled(asked: string, {feed, touched, seq}: Moment, epoch: string): Scope | undefined {
		const {pos, seq: toldSeq, epoch: toldEpoch} = this.state;
		const isSettled =
			this.settled?.asked === asked &&
			this.settled.feed === feed &&
			!feed.isClosed &&
			touched <= pos &&
			(seq <= toldSeq || feed.touchedSeq <= toldSeq) &&
			epoch === toldEpoch;
		return isSettled ? this.settled?.scope : undefined;
	}

	/** What it takes in memory, in rooms. */
	get size(): number {
		return 1 + this.state.changed.size + this.live.size + (this.settled?.scope.rooms.length ?? 0);
	}
}
