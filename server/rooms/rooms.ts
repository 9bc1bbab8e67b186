import {LRUCache} from 'lru-cache';
import type {EventId, JsonObject, JsonValue, RoomAlias, RoomId, ServerName, UserId} from '../../crypto/index.ts';
import type {StoredEvent} from '../../federation/engine/index.ts';
import type {RenderedEvent} from '../events/index.ts';
import {addAlias, listAliases, removeAlias} from './aliases.ts';
import {type Actor, mustBeJoined, type RoomsContext, type RoomsDependencies} from './context.ts';
import {createRoom, type NewRoom} from './create-room.ts';
import {type AliasedRoom, getAlias, getAliasFor} from './find-room.ts';
import {invite} from './invite.ts';
import {type Entry, join} from './join.ts';
import {knock} from './knock.ts';
import {forget, leave} from './leave.ts';
import {ban, kick, unban} from './moderate.ts';
import {listMutual, type MutualRooms} from './mutual-rooms.ts';
import {updateOwnProfile} from './own-profile.ts';
import {
	type DirectoryPage,
	type DirectoryQuery,
	isPublished,
	listPublished,
	listPublishedBy,
	setPublished,
} from './published.ts';
import {findByTime} from './find-by-time.ts';
import {
	type EventContext,
	getContext,
	getEvent,
	getEventOfAnyRoom,
	getSurroundings,
	listProfilesAt,
	type Surroundings,
	type SurroundingsQuery,
} from './read-events.ts';
import {
	getState,
	type JoinedMember,
	listJoinedMembers,
	listJoinedRooms,
	listMembers,
	listState,
	type MembersQuery,
	type StateOfRoom,
} from './read-state.ts';
import {
	listRelations,
	listThreads,
	type RelationsPage,
	type RelationsWish,
	type ThreadsPage,
	type ThreadsWish,
} from './relations.ts';
import type {NewRedaction} from './redact.ts';
import {type NewMessage, redact, sendMessage} from './send-message.ts';
import {type HeldEvent, sendHeld} from './send-held.ts';
import {type NewState, setState} from './set-state.ts';
import {listMessages, type Page, type PageQuery} from './timeline.ts';
import {getSpaceFor, getSummary, type HierarchyPage, type HierarchyQuery, listHierarchy} from './spaces.ts';
import {Turns} from './turns.ts';
import {type Upgrade, upgradeRoom} from './upgrade-room.ts';

/**
 * What people do in rooms. `said` is what a member event holds beside the membership, such as `reason`. All methods
 * throw RoomsError, and EngineError where the engine cannot do its work.
 *
 * Who is not in a room is told the same whether there is one: `not-in-room`.
 */
export interface Rooms {
	/** Makes a room, in one commit. @throws 'unsupported-version', 'room-in-use', 'invalid-room-state', 'invalid-parameter', 'invite-blocked' */
	create(actor: Actor, wish: NewRoom): Promise<RoomId>;
	/** Joins a room, here or by a partner server; nothing happens for who is in it. @throws 'not-found' for an alias */
	join(actor: Actor, roomIdOrAlias: RoomId | RoomAlias, entry?: Entry): Promise<RoomId>;
	/** Asks to be let in; nothing happens for who has asked already. @throws 'not-found' for an alias */
	knock(actor: Actor, roomIdOrAlias: RoomId | RoomAlias, entry?: Entry): Promise<RoomId>;
	/** Leaves a room, turns down an invite, takes back a knock; nothing happens for who has left. */
	leave(actor: Pick<Actor, 'userId'>, roomId: RoomId, said?: JsonObject): Promise<void>;
	/** Takes a room that was left out of the user's lists. @throws 'still-in-room' */
	forget(actor: Actor, roomId: RoomId): Promise<void>;
	/** Invites somebody; nothing happens where they are invited. @throws 'invite-blocked', 'unsupported-version' */
	invite(actor: Actor, roomId: RoomId, target: UserId, said?: JsonObject): Promise<void>;
	/** Puts somebody out who is in the room, invited or knocking. */
	kick(actor: Actor, roomId: RoomId, target: UserId, said?: JsonObject): Promise<void>;
	/** Puts somebody out for good; nothing happens for who is banned. */
	ban(actor: Actor, roomId: RoomId, target: UserId, said?: JsonObject): Promise<void>;
	/** Ends a ban. @throws 'bad-state' where there is none */
	unban(actor: Actor, roomId: RoomId, target: UserId, said?: JsonObject): Promise<void>;
	/** Sends an event that is not state; a repetition gets the first one's id. @throws 'duplicate-annotation', 'nested-thread' */
	send(actor: Actor, roomId: RoomId, message: NewMessage): Promise<EventId>;
	/** Makes sure that somebody is in a room. @throws 'not-in-room' */
	mustBeJoined(userId: UserId, roomId: RoomId): Promise<void>;
	/** Sends an event that was held back, as if its sender sent it now. @throws 'superseded' */
	sendHeld(actor: Actor, roomId: RoomId, event: HeldEvent): Promise<EventId>;
	/** Takes the content of an event away; a repetition gets the first one's id. @throws 'not-found' */
	redact(actor: Actor, roomId: RoomId, redaction: NewRedaction): Promise<EventId>;
	/** Sets an entry of the state; memberships too. @throws 'bad-event', 'bad-alias', and those of the other methods */
	setState(actor: Actor, roomId: RoomId, state: NewState): Promise<EventId>;
	/** Repeats a changed profile in every room that its owner is in. */
	updateOwnProfile(userId: UserId, profile: Readonly<Record<string, JsonValue>>): Promise<void>;
	/** Gives what an alias stands for; `undefined` for callers without an account. @throws 'not-found' */
	getAlias(actor: Actor | undefined, alias: RoomAlias): Promise<AliasedRoom>;
	/** Gives another server what an alias of this one stands for. @throws 'not-found' */
	getAliasFor(origin: ServerName, alias: RoomAlias): Promise<AliasedRoom>;
	/** Gives a room that the caller is in an alias of this server. @throws 'invalid-parameter', 'alias-taken' */
	addAlias(actor: Actor, alias: RoomAlias, roomId: RoomId): Promise<void>;
	/** Removes an alias of this server. @throws 'not-found' */
	removeAlias(actor: Actor, alias: RoomAlias): Promise<void>;
	/** Lists this server's aliases of a room that the caller may read. */
	listAliases(actor: Actor, roomId: RoomId): Promise<RoomAlias[]>;
	/** Lists the rooms that this server shows to everybody. @throws 'invalid-parameter' for an unknown token */
	listPublished(query: DirectoryQuery): Promise<DirectoryPage>;
	/** Lists the rooms that another server shows to everybody. @throws 'unreachable' */
	listPublishedBy(server: ServerName, query: DirectoryQuery): Promise<DirectoryPage>;
	/** Walks a tree of spaces. @throws 'not-in-room', 'invalid-parameter' */
	listHierarchy(actor: Actor, roomId: RoomId, query: HierarchyQuery): Promise<HierarchyPage>;
	/** Gives what somebody may see of a room who need not be in it. @throws 'not-found' */
	getSummary(actor: Actor, roomIdOrAlias: RoomId | RoomAlias, via: readonly ServerName[]): Promise<JsonObject>;
	/** Gives another server what it may see of a room and its children. @throws 'not-found' */
	getSpaceFor(origin: ServerName, roomId: RoomId, suggestedOnly: boolean): Promise<JsonObject>;
	/** Whether this server shows a room to everybody; it does not show one that it does not know. */
	isPublished(roomId: RoomId): Promise<boolean>;
	/** Shows a room to everybody, or no more. */
	setPublished(actor: Actor, roomId: RoomId, isShown: boolean): Promise<void>;
	/** Replaces a room by one of another version. @throws 'unsupported-version' */
	upgrade(actor: Actor, roomId: RoomId, upgrade: Upgrade): Promise<RoomId>;

	/** Lists the rooms that somebody is in. */
	listJoined(userId: UserId): Promise<RoomId[]>;
	/** Lists the rooms that two people are both in, after a room of the page before; none for a name that nobody has. */
	listMutual(userId: UserId, other: UserId, after: RoomId | undefined): Promise<MutualRooms>;
	/** Gives an entry of the state; who has left sees that of the moment of leaving. @throws 'not-found' */
	getState(actor: Actor, roomId: RoomId, type: string, stateKey: string): Promise<StateOfRoom>;
	/** Lists the state; who has left sees that of the moment of leaving. */
	listState(actor: Actor, roomId: RoomId): Promise<RenderedEvent[]>;
	/** Lists member events; who has left sees those of the moment of leaving. */
	listMembers(actor: Actor, roomId: RoomId, query: MembersQuery): Promise<RenderedEvent[]>;
	/** Lists who is in a room that the caller is in. */
	listJoinedMembers(actor: Actor, roomId: RoomId): Promise<Map<UserId, JoinedMember>>;
	/** Gives an event that the caller may see. @throws 'not-found' */
	getEvent(actor: Actor, roomId: RoomId, eventId: string): Promise<StoredEvent>;
	/** Gives an event that the caller may see, whatever its room. @throws 'not-found' */
	getEventOfAnyRoom(actor: Actor, eventId: string): Promise<StoredEvent>;
	/** Gives an event with what came around it. @throws 'not-found' */
	getContext(actor: Actor, roomId: RoomId, eventId: string, query: SurroundingsQuery): Promise<EventContext>;
	/** Gives an event that the caller may see with what came around it, and nothing of the state. @throws 'not-found' */
	getSurroundings(actor: Actor, roomId: RoomId, eventId: string, query: SurroundingsQuery): Promise<Surroundings>;
	/** Gives the names and avatars that senders of events had at one of them, for who may see it. */
	listProfilesAt(event: StoredEvent, senders: readonly StoredEvent[]): Promise<Map<UserId, JsonObject>>;
	/** Lists a page of the history that the caller may see; `state` only where the filter loads members lazily. */
	listMessages(
		actor: Actor,
		roomId: RoomId,
		query: PageQuery,
	): Promise<Page & {readonly state: readonly RenderedEvent[] | undefined}>;
	/** Lists a page of the events that relate to one, as far as the caller may see them. @throws 'not-found' */
	listRelations(actor: Actor, roomId: RoomId, eventId: string, wish: RelationsWish): Promise<RelationsPage>;
	/** Lists a page of the threads in which there is something for the caller. */
	listThreads(actor: Actor, roomId: RoomId, wish: ThreadsWish): Promise<ThreadsPage>;
	/** Finds the event nearest to a time that the caller may see. @throws 'not-found' */
	findByTime(
		actor: Actor,
		roomId: RoomId,
		ts: number,
		direction: 'forwards' | 'backwards',
	): Promise<{readonly eventId: EventId; readonly originServerTs: number}>;
}

/** Answers of other servers about their rooms that are remembered: each up to 1 MiB, most of them some kilobytes. */
const SPACES_MAX = 200;
/** For how long: whoever walks through a tree asks about its rooms again and again. */
const SPACE_MS = 60_000;

/** Makes the rooms domain. */
export function createRooms(dependencies: RoomsDependencies): Rooms {
	const context: RoomsContext = {
		...dependencies,
		memberships: new Turns(),
		annotations: new Turns(),
		spaces: new LRUCache({maxSize: SPACES_MAX, sizeCalculation: () => 1, ttl: SPACE_MS}),
	};
	return {
		create: (...request) => createRoom(context, ...request),
		join: (...request) => join(context, ...request),
		knock: (...request) => knock(context, ...request),
		leave: (...request) => leave(context, ...request),
		forget: (...request) => forget(context, ...request),
		invite: (...request) => invite(context, ...request),
		kick: (...request) => kick(context, ...request),
		ban: (...request) => ban(context, ...request),
		unban: (...request) => unban(context, ...request),
		send: (...request) => sendMessage(context, ...request),
		mustBeJoined: (userId, roomId) => mustBeJoined(context, roomId, userId),
		sendHeld: (...request) => sendHeld(context, ...request),
		redact: (...request) => redact(context, ...request),
		setState: (...request) => setState(context, ...request),
		updateOwnProfile: (...request) => updateOwnProfile(context, ...request),
		getAlias: (...request) => getAlias(context, ...request),
		getAliasFor: (...request) => getAliasFor(context, ...request),
		addAlias: (...request) => addAlias(context, ...request),
		removeAlias: (...request) => removeAlias(context, ...request),
		listAliases: (...request) => listAliases(context, ...request),
		listPublished: (query) => listPublished(context, query),
		listPublishedBy: (...request) => listPublishedBy(context, ...request),
		listHierarchy: (...request) => listHierarchy(context, ...request),
		getSummary: (...request) => getSummary(context, ...request),
		getSpaceFor: (...request) => getSpaceFor(context, ...request),
		isPublished: (roomId) => isPublished(context, roomId),
		setPublished: (...request) => setPublished(context, ...request),
		upgrade: (...request) => upgradeRoom(context, ...request),
		listJoined: (userId) => listJoinedRooms(context, userId),
		listMutual: (userId, other, after) => listMutual(context, userId, other, after),
		getState: (...request) => getState(context, ...request),
		listState: (...request) => listState(context, ...request),
		listMembers: (...request) => listMembers(context, ...request),
		listJoinedMembers: (...request) => listJoinedMembers(context, ...request),
		getEvent: (...request) => getEvent(context, ...request),
		getEventOfAnyRoom: (...request) => getEventOfAnyRoom(context, ...request),
		getContext: (...request) => getContext(context, ...request),
		getSurroundings: (...request) => getSurroundings(context, ...request),
		listProfilesAt: (...request) => listProfilesAt(context, ...request),
		listMessages: (...request) => listMessages(context, ...request),
		listRelations: (...request) => listRelations(context, ...request),
		listThreads: (...request) => listThreads(context, ...request),
		findByTime: (...request) => findByTime(context, ...request),
	};
}
