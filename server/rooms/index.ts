export type {Actor, RoomsDependencies} from './context.ts';
export type {NewRoom} from './create-room.ts';
export {RoomsError, type RoomsErrorCode} from './errors.ts';
export type {AliasedRoom} from './find-room.ts';
export type {InitialState, Preset} from './first-events.ts';
export type {Entry} from './join.ts';
export type {RemoteInvite, RemoteMembership, RemoteRooms} from './remote-rooms.ts';
export {createRooms, type Rooms} from './rooms.ts';
export type {NewMessage} from './send-message.ts';
export type {NewRedaction} from './redact.ts';
export type {HeldEvent} from './send-held.ts';
export type {NewState} from './set-state.ts';
export type {JoinedMember, MembersQuery, StateOfRoom} from './read-state.ts';
export type {DirectoryPage, DirectoryQuery} from './published.ts';
export {
	RECURSION_DEPTH,
	type RelationsPage,
	type RelationsWish,
	type ThreadsPage,
	type ThreadsWish,
} from './relations.ts';
export type {EventContext, Surroundings, SurroundingsQuery} from './read-events.ts';
export type {Page, PageQuery} from './timeline.ts';
export type {Upgrade} from './upgrade-room.ts';
