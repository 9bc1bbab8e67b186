import {type EventId, type JsonObject, type RoomId, type UserId, verify} from '../../../crypto/index.ts';
import {
	type AuthContext,
	buildPdu,
	checkAuth,
	type Pdu,
	ROOM_VERSIONS,
	type RoomVersionId,
	roomIdOfCreateEvent,
	roomVersion,
	type StateLookup,
	selectAuthEvents,
	stateOf,
	type Verdict,
} from '../../../federation/rooms/index.ts';

export const alice = '@alice:one.example' as UserId;
export const bob = '@bob:two.example' as UserId;
export const carol = '@carol:three.example' as UserId;

export const allVersions: readonly RoomVersionId[] = ROOM_VERSIONS.map((version) => version.id);

/** What a test says of an event; the rest follows from the timeline. */
export interface Draft {
	readonly type: string;
	readonly sender: UserId;
	readonly stateKey?: string;
	readonly content?: JsonObject;
	readonly prevEvents?: readonly EventId[];
	readonly redacts?: EventId;
	/** Servers whose signature is pretended. */
	readonly signedBy?: readonly string[];
}

export interface TimelineOptions {
	readonly version: RoomVersionId;
	readonly creator?: UserId;
	readonly createContent?: JsonObject;
	/** Content of `m.room.join_rules`; absent for none. */
	readonly joinRules?: JsonObject;
	/** Content of `m.room.power_levels`; absent for none. */
	readonly powerLevels?: JsonObject;
}

/** A room without forks, built event by event. */
export interface Timeline {
	readonly roomId: RoomId;
	readonly create: Pdu;
	readonly context: AuthContext;
	readonly state: StateLookup;
	readonly events: readonly Pdu[];
	/** Builds an event that follows the last one sent; the room does not change. */
	build(draft: Draft): Pdu;
	/** Says what the rules say of an event after the last one sent. */
	check(draft: Draft): Verdict;
	/** Adds an event, which the rules must allow. */
	send(draft: Draft): Pdu;
	/** Lets a user join who may. */
	join(user: UserId): Pdu;
}

export const context: AuthContext = {verifySignature: verify};

/** Gives one word for a verdict: `allow`, or the number of the rule that refuses. */
export function outcome(verdict: Verdict): string {
	return verdict.allowed ? 'allow' : verdict.rule;
}

export function createTimeline(options: TimelineOptions): Timeline {
	const {version, creator = alice} = options;
	const row = roomVersion(version);
	const events: Pdu[] = [];
	const hasHashId = row.roomIds === 'create-event-hash';

	let roomId = (hasHashId ? undefined : '!room:one.example') as RoomId | undefined;

	function build(draft: Draft): Pdu {
		const subject = {...draft, roomVersion: version, content: draft.content ?? {}};
		const isCreate = draft.type === 'm.room.create';
		const last = events.at(-1);
		const built = buildPdu({
			...subject,
			roomId: isCreate && hasHashId ? undefined : roomId,
			depth: events.length + 1,
			originServerTs: 1_700_000_000_000 + events.length,
			prevEvents: draft.prevEvents ?? (last === undefined ? [] : [last.eventId]),
			authEvents: selectAuthEvents(subject, stateOf(events)).map((event) => event.eventId),
			eventId: row.eventIds === 'domain' ? (`$${events.length}:${draft.sender.split(':')[1]}` as EventId) : undefined,
		});
		if (!built.ok) throw new Error(`Expected a well-formed event, got ${built.fault.reason}`);
		const signatures = Object.fromEntries((draft.signedBy ?? []).map((server) => [server, {'ed25519:1': 'A'}]));
		return {...built.pdu, signatures};
	}

	function send(draft: Draft): Pdu {
		const event = build(draft);
		const verdict = checkAuth(event, stateOf(events), context);
		if (!verdict.allowed) throw new Error(`Expected an allowed event, got ${verdict.rule} ${verdict.reason}`);
		events.push(event);
		return event;
	}

	const create = send({
		type: 'm.room.create',
		sender: creator,
		stateKey: '',
		content: {room_version: version, ...(row.creatorIn === 'content' ? {creator} : {}), ...options.createContent},
	});
	if (hasHashId) roomId = roomIdOfCreateEvent(create.eventId);
	const join = (user: UserId) =>
		send({type: 'm.room.member', sender: user, stateKey: user, content: {membership: 'join'}});
	join(creator);
	for (const [type, content] of [
		['m.room.power_levels', options.powerLevels],
		['m.room.join_rules', options.joinRules],
	] as const) {
		if (content !== undefined) send({type, sender: creator, stateKey: '', content});
	}
	return {
		roomId: roomId as RoomId,
		create,
		context,
		state: (type, stateKey) => stateOf(events)(type, stateKey),
		events,
		build,
		send,
		join,
		check: (draft) => checkAuth(build(draft), stateOf(events), context),
	};
}

/** Gives power levels that name the creator where the room version lets them. */
export function levelsFor(version: RoomVersionId, content: JsonObject = {}, creator: UserId = alice): JsonObject {
	const users = (content['users'] ?? {}) as JsonObject;
	return roomVersion(version).creatorsAreUnlimited
		? {...content, users}
		: {...content, users: {[creator]: 100, ...users}};
}

/** Reads `7`, `7-11` or `1-5, 12` as room versions. */
export function versionsOf(ranges: string): RoomVersionId[] {
	return ranges.split(',').flatMap((range) => {
		const [first = '', last = first] = range.trim().split('-');
		return allVersions.slice(
			allVersions.indexOf(first as RoomVersionId),
			allVersions.indexOf(last as RoomVersionId) + 1,
		);
	});
}
