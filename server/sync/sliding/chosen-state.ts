import type {DeviceId} from '../../../crypto/index.ts';
import type {StoredEvent} from '../../../federation/engine/index.ts';
import type {StateEntry, StateKey} from '../../../storage/index.ts';
import {findCitedMembers} from '../cited-members.ts';
import type {RoomStateAt} from '../room-states.ts';
import {listWanted, type StateChanges} from './required-state.ts';
import {memberType, type StateWish} from './state-wish.ts';
import type {ScopedRoom, SlidingParts, SlidingView} from './view.ts';

/** What state of a room an answer is to carry. */
export interface StateChoice {
	readonly room: ScopedRoom;
	readonly now: RoomStateAt;
	/** What changed since the client was told; absent: it was told nothing. */
	readonly changes: StateChanges | undefined;
	/** The wish whose state the client has; absent: it is not known what it has. */
	readonly toldWish: StateWish | undefined;
	/** The events that are shown with it. */
	readonly shown: readonly StoredEvent[];
	/** Whether there is more between them and what the client was told. */
	readonly isLimited: boolean;
}

/** The state that an answer carries. */
export interface ChosenState {
	readonly entries: readonly StateEntry[];
	/** Keys of wanted state that are no more. */
	readonly removed: readonly StateKey[];
}

/** Chooses the state that an answer carries: what is wanted and new to the client, and whom the shown events need. */
export async function chooseState(parts: SlidingParts, view: SlidingView, choice: StateChoice): Promise<ChosenState> {
	const {room, now, changes, toldWish, isLimited} = choice;
	const {wish} = room;
	const isWanted = (key: StateKey): boolean =>
		wish.matches(key) || (wish.lazyMembers && key.type === memberType && !isLimited);
	const chosen = new Map<string, StateEntry>();
	const add = (entries: readonly StateEntry[]): void => {
		for (const entry of entries) chosen.set(`${entry.type}\0${entry.stateKey}`, entry);
	};
	if (!changes) {
		add(await listWanted(parts, parts.indexes, now, wish));
	} else {
		add(changes.entries.filter((entry) => isWanted(entry)));
		if (!toldWish?.covers(wish)) {
			const wanted = await listWanted(parts, parts.indexes, now, wish);
			add(toldWish ? wanted.filter((entry) => !toldWish.matches(entry)) : wanted);
		}
	}
	if (wish.lazyMembers) add(await findLazyMembers(parts, view, choice, new Set(chosen.keys())));
	const entries = [...chosen.values()];
	noteMembers(parts, view, choice, entries);
	return {entries, removed: (changes?.removed ?? []).filter((key) => isWanted(key))};
}

/** Finds the members by and about whom the shown events are, and whom the client was not sent yet. */
async function findLazyMembers(
	parts: SlidingParts,
	view: SlidingView,
	{room, now, changes, shown}: StateChoice,
	chosen: ReadonlySet<string>,
): Promise<StateEntry[]> {
	const {indexes, sentMembers} = parts;
	const people = new Set<string>(shown.map(({pdu}) => pdu.sender));
	for (const {pdu} of shown) if (pdu.type === memberType && pdu.stateKey !== undefined) people.add(pdu.stateKey);
	const keys = [...people]
		.filter((stateKey) => !chosen.has(`${memberType}\0${stateKey}`))
		.map((stateKey) => ({type: memberType, stateKey}));
	const inState = await indexes.find(now, keys);
	const found = new Set(inState.map(({stateKey}) => stateKey));
	const isKnown = (userId: string): boolean => found.has(userId) || chosen.has(`${memberType}\0${userId}`);
	const entries = [...inState, ...(await findCitedMembers(parts, room.row.roomId, shown, isKnown))];
	const {pos} = view.connection.state;
	const to = recipientOf(view, room);
	return entries.filter(
		({stateKey, eventNid}) => changes === undefined || !sentMembers.has(to, stateKey, eventNid, pos),
	);
}

function noteMembers(
	{sentMembers}: SlidingParts,
	view: SlidingView,
	{room}: StateChoice,
	entries: readonly StateEntry[],
): void {
	if (!room.wish.lazyMembers) return;
	const members = entries.filter(({type}) => type === memberType);
	sentMembers.note(
		recipientOf(view, room),
		members.map(({stateKey, eventNid}) => [stateKey, eventNid] as const),
		view.upto,
	);
}

/** Each connection has a memory of its own. */
function recipientOf({request: {userId, deviceId, connId}}: SlidingView, {row: {roomId}}: ScopedRoom) {
	// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- no device has such an id
	return {userId, deviceId: `${deviceId} ${connId}` as DeviceId, roomId};
}
