/** What tests see of /sync. */
import {type ClientEvent, type Person, room} from './newsroom.ts';

interface Events {
	readonly events: readonly ClientEvent[];
}

/** An event without a place in a room's history. */
interface PlainEvent {
	readonly type: string;
	readonly sender?: string;
	readonly content: Readonly<Record<string, unknown>>;
}

/** The entry of a room that the user is in, or was. */
export interface RoomAnswer {
	readonly timeline: Events & {readonly limited: boolean; readonly prev_batch?: string};
	readonly state?: Events;
	readonly state_after?: Events;
	readonly ephemeral?: {readonly events: readonly PlainEvent[]};
	readonly account_data?: {readonly events: readonly PlainEvent[]};
	readonly summary?: Readonly<Record<string, unknown>>;
	readonly unread_notifications?: {readonly notification_count: number; readonly highlight_count: number};
	readonly unread_thread_notifications?: Readonly<
		Record<string, {readonly notification_count: number; readonly highlight_count: number}>
	>;
}

/** An answer of /sync. */
export interface SyncAnswer {
	readonly next_batch: string;
	readonly account_data?: {readonly events: readonly PlainEvent[]};
	readonly presence?: {readonly events: readonly PlainEvent[]};
	readonly to_device?: {readonly events: readonly PlainEvent[]};
	readonly device_lists?: {readonly changed?: readonly string[]; readonly left?: readonly string[]};
	readonly device_one_time_keys_count: Readonly<Record<string, number>>;
	readonly device_unused_fallback_key_types: readonly string[];
	readonly rooms?: {
		readonly join?: Readonly<Record<string, RoomAnswer>>;
		readonly leave?: Readonly<Record<string, RoomAnswer>>;
		readonly invite?: Readonly<Record<string, {readonly invite_state: {readonly events: readonly PlainEvent[]}}>>;
		readonly knock?: Readonly<Record<string, {readonly knock_state: {readonly events: readonly PlainEvent[]}}>>;
	};
}

/** Parameters of /sync; a filter may be given as an object. */
export interface SyncOptions {
	readonly timeout?: number;
	readonly filter?: object | string;
	readonly full_state?: boolean;
	readonly use_state_after?: boolean;
	readonly 'org.matrix.msc4222.use_state_after'?: boolean;
	readonly set_presence?: string;
}

/** The path of /sync below `/_matrix/client/v3`. */
export function syncPath(since: string | undefined, {filter, ...options}: SyncOptions = {}): string {
	const query = new URLSearchParams({set_presence: 'offline'});
	for (const [key, value] of Object.entries(options)) query.set(key, String(value));
	if (since !== undefined) query.set('since', since);
	if (filter !== undefined) query.set('filter', typeof filter === 'string' ? filter : JSON.stringify(filter));
	return `/sync?${query.toString()}`;
}

/** Asks /sync as somebody whose presence does not matter. */
export function sync(person: Person, since?: string, options: SyncOptions = {}): Promise<SyncAnswer> {
	return person.do<SyncAnswer>('GET', syncPath(since, options));
}

/** The bodies of a timeline's messages. */
export const bodiesOf = (answer: RoomAnswer | undefined): unknown[] =>
	(answer?.timeline.events ?? []).filter(({type}) => type === 'm.room.message').map(({content}) => content['body']);

/** Type and key of events of state. */
export const keysOf = (events: readonly ClientEvent[] | undefined): string[] =>
	(events ?? []).map(({type, state_key: stateKey}) => `${type} ${stateKey ?? '-'}`).toSorted();

/** Sends a reading receipt. */
export function read(person: Person, roomId: string, eventId: string, type = 'm.read', body = {}): Promise<unknown> {
	return person.do('POST', `${room(roomId)}/receipt/${type}/${encodeURIComponent(eventId)}`, body);
}
