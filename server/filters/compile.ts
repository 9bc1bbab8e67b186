import type {RoomId} from '../../crypto/index.ts';
import type {EventFilter, Filter, RoomEventFilter} from './schema.ts';
import {type FieldPath, parseFieldPath} from './event-fields.ts';
import {starMatcher} from './star-matcher.ts';

/** Events of a timeline that are given where the filter does not say how many; as the ecosystem's servers do. */
const LIMIT_DEFAULT = 10;
/** More are never given at a time. */
const LIMIT_MAX = 100;

/** What filters ask of an event. */
export interface FilteredEvent {
	readonly type: string;
	/** Absent of what nobody sends, such as account data. */
	readonly sender?: string | undefined;
	/** Whether `content.url` is a string; absent: it is not. */
	readonly hasUrl?: boolean | undefined;
}

type EventTest = (event: FilteredEvent) => boolean;

/** A part of a filter, ready for use. */
export interface CompiledEventFilter {
	/** 0 to 100. */
	readonly limit: number;
	/** Absent where every event passes. */
	readonly matches: EventTest | undefined;
}

/** A part of a filter for events of rooms, ready for use. */
export interface CompiledRoomEventFilter extends CompiledEventFilter {
	readonly mayShowRoom: (roomId: RoomId) => boolean;
	readonly lazyLoadsMembers: boolean;
	readonly includesRedundantMembers: boolean;
	/** Whether unread counts are told for each thread. */
	readonly countsThreads: boolean;
}

/** A whole filter, ready for use. */
export interface CompiledFilter {
	readonly format: 'client' | 'federation';
	/** The fields to be shown; absent: all. */
	readonly fields: readonly FieldPath[] | undefined;
	readonly accountData: CompiledEventFilter;
	readonly presence: CompiledEventFilter;
	readonly includesLeft: boolean;
	readonly mayShowRoom: (roomId: RoomId) => boolean;
	readonly roomAccountData: CompiledRoomEventFilter;
	readonly ephemeral: CompiledRoomEventFilter;
	readonly state: CompiledRoomEventFilter;
	readonly timeline: CompiledRoomEventFilter;
}

/** Makes a filter of `/sync` ready for use. */
export function compileFilter({account_data, event_fields, event_format, presence, room}: Filter): CompiledFilter {
	return {
		format: event_format ?? 'client',
		fields: event_fields?.map((field) => parseFieldPath(field)),
		accountData: compileEventFilter(account_data),
		presence: compileEventFilter(presence),
		includesLeft: room?.include_leave ?? false,
		mayShowRoom: compileRooms(room),
		roomAccountData: compileRoomEventFilter(room?.account_data),
		ephemeral: compileRoomEventFilter(room?.ephemeral),
		state: compileRoomEventFilter(room?.state),
		timeline: compileRoomEventFilter(room?.timeline),
	};
}

/** Makes a filter for events of rooms ready for use; absent: one that lets everything pass. */
export function compileRoomEventFilter(filter: RoomEventFilter | undefined): CompiledRoomEventFilter {
	const {matches, limit} = compileEventFilter(filter);
	const url = filter?.contains_url;
	const matchesUrl: EventTest | undefined = url === undefined ? undefined : ({hasUrl = false}) => hasUrl === url;
	return {
		limit,
		matches: both(matches, matchesUrl),
		mayShowRoom: compileRooms(filter),
		lazyLoadsMembers: filter?.lazy_load_members ?? false,
		includesRedundantMembers: filter?.include_redundant_members ?? false,
		countsThreads: filter?.unread_thread_notifications ?? false,
	};
}

function compileEventFilter(filter: EventFilter = {}): CompiledEventFilter {
	const {types, not_types: notTypes, senders, not_senders: notSenders} = filter;
	const ofTypes = listTest(types, notTypes, true);
	const ofSenders = listTest(senders, notSenders, false);
	return {
		limit: Math.min(filter.limit ?? LIMIT_DEFAULT, LIMIT_MAX),
		matches: both(
			ofTypes && (({type}) => ofTypes(type)),
			// What nobody sent is of no sender that a list could name.
			ofSenders && (({sender}) => ofSenders(sender ?? '')),
		),
	};
}

function compileRooms(filter?: {
	readonly rooms?: readonly string[];
	readonly not_rooms?: readonly string[];
}): (roomId: RoomId) => boolean {
	return listTest(filter?.rooms, filter?.not_rooms, false) ?? (() => true);
}

/** A test by a positive and a negative list; the negative one wins. */
function listTest(
	wanted: readonly string[] | undefined,
	unwanted: readonly string[] | undefined,
	hasStars: boolean,
): ((value: string) => boolean) | undefined {
	if (wanted === undefined && (unwanted === undefined || unwanted.length === 0)) return undefined;
	const isIn = hasStars ? starMatcher : exactMatcher;
	const isWanted = wanted && isIn(wanted);
	const isUnwanted = isIn(unwanted ?? []);
	return (value) => !isUnwanted(value) && (isWanted === undefined || isWanted(value));
}

function exactMatcher(texts: readonly string[]): (text: string) => boolean {
	const set = new Set(texts);
	return (text) => set.has(text);
}

function both(first: EventTest | undefined, second: EventTest | undefined): EventTest | undefined {
	if (first === undefined || second === undefined) return first ?? second;
	return (event) => first(event) && second(event);
}
