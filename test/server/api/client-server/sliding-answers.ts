/** What tests see of sliding sync. */
import {type Answer, call, request} from '../../../harness/index.ts';
import type {ClientEvent, Person} from './newsroom.ts';

const PATH = '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync';

/** An event without a place in a room's history. */
export interface PlainEvent {
	readonly type: string;
	readonly sender?: string;
	readonly state_key?: string;
	readonly content: Readonly<Record<string, unknown>>;
}

/** The entry of a room. */
export interface SlidingRoom {
	readonly initial?: boolean;
	readonly name?: string | null;
	readonly avatar?: string | null;
	readonly heroes?: readonly {readonly user_id: string; readonly displayname?: string; readonly avatar_url?: string}[];
	readonly is_dm?: boolean;
	readonly membership?: string;
	readonly lists?: readonly string[];
	readonly required_state?: readonly ClientEvent[];
	readonly timeline?: readonly ClientEvent[];
	readonly prev_batch?: string;
	readonly limited?: boolean;
	readonly num_live?: number;
	readonly expanded_timeline?: boolean;
	readonly unstable_expanded_timeline?: boolean;
	readonly joined_count?: number;
	readonly invited_count?: number;
	readonly notification_count?: number;
	readonly highlight_count?: number;
	readonly bump_stamp?: number;
	readonly invite_state?: readonly PlainEvent[];
	readonly stripped_state?: readonly PlainEvent[];
}

/** An answer of sliding sync. */
export interface SlidingAnswer {
	readonly pos: string;
	readonly lists: Readonly<Record<string, {readonly count: number}>>;
	readonly rooms: Readonly<Record<string, SlidingRoom>>;
	readonly extensions: {
		readonly to_device?: {readonly next_batch: string; readonly events: readonly PlainEvent[]};
		readonly e2ee?: {
			readonly device_lists?: {readonly changed: readonly string[]; readonly left: readonly string[]};
			readonly device_one_time_keys_count: Readonly<Record<string, number>>;
			readonly device_unused_fallback_key_types: readonly string[];
		};
		readonly account_data?: {
			readonly global?: readonly PlainEvent[];
			readonly rooms?: Readonly<Record<string, readonly PlainEvent[]>>;
		};
		readonly receipts?: {readonly rooms: Readonly<Record<string, PlainEvent>>};
		readonly typing?: {readonly rooms: Readonly<Record<string, PlainEvent>>};
	};
}

/** What is asked for; a list without a range has all rooms. */
export interface SlidingOptions {
	readonly timeout?: number;
	readonly conn_id?: string;
	readonly lists?: Readonly<Record<string, object>>;
	readonly room_subscriptions?: Readonly<Record<string, object>>;
	readonly extensions?: object;
}

/** A list of all rooms with one event each. */
export const allRooms = (more: object = {}) => ({
	lists: {all: {timeline_limit: 1, required_state: [], ...more}},
});

/** What matrix-rust-sdk requires of a room in its list. */
export const elementState = [
	['m.room.name', ''],
	['m.room.encryption', ''],
	['m.room.member', '$LAZY'],
	['m.room.member', '$ME'],
	['m.room.topic', ''],
	['m.room.avatar', ''],
	['m.room.canonical_alias', ''],
	['m.room.power_levels', ''],
	['org.matrix.msc3401.call.member', '*'],
	['m.room.join_rules', ''],
	['m.room.tombstone', ''],
	['m.room.create', ''],
	['m.room.history_visibility', ''],
	['io.element.functional_members', ''],
	['m.space.parent', '*'],
	['m.space.child', '*'],
	['m.beacon_info', '*'],
];

/** Asks sliding sync as somebody whose presence does not matter. */
export function slide(person: Person, pos?: string, options: SlidingOptions = allRooms()): Promise<SlidingAnswer> {
	const {timeout = 0, ...body} = options;
	return call<SlidingAnswer>(person.app, 'POST', pathOf(pos, timeout), {token: person.session.access_token, body});
}

/** Asks sliding sync, whatever the answer. */
export function trySlide(
	person: Person,
	pos?: string,
	body: object = allRooms(),
): Promise<Answer<Record<string, unknown>>> {
	return request(person.app, 'POST', pathOf(pos, 0, {}), {token: person.session.access_token, body});
}

function pathOf(pos: string | undefined, timeout: number, presence: object = {set_presence: 'offline'}): string {
	const query = new URLSearchParams({timeout: String(timeout), ...presence});
	if (pos !== undefined) query.set('pos', pos);
	return `${PATH}?${query.toString()}`;
}

/** The bodies of a timeline's messages. */
export const bodiesOf = (room: SlidingRoom | undefined): unknown[] =>
	(room?.timeline ?? []).filter(({type}) => type === 'm.room.message').map(({content}) => content['body']);

/** Type and key of events of state. */
export const keysOf = (events: readonly {readonly type: string; readonly state_key?: string}[] | undefined): string[] =>
	(events ?? []).map(({type, state_key: stateKey}) => `${type} ${stateKey ?? '-'}`).toSorted();
