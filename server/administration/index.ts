import type {AdministrationDependencies} from './context.ts';
import {type AdministeredMedia, createAdministeredMedia} from './media.ts';
import {createRoomDeletions, type RoomDeletions} from './delete-room.ts';
import {createPeople, type People} from './people.ts';
import {type AdministeredRooms, createAdministeredRooms} from './rooms.ts';
import {createRedactions, type Redactions} from './redact-user.ts';
import {type AdministeredReports, createAdministeredReports} from './reports.ts';
import {createRegistrationTokens, type RegistrationTokens} from './tokens.ts';

export type {AdministrationDependencies} from './context.ts';
export {DELETE_ROOM, type RoomDeletions} from './delete-room.ts';
export {readShutdown, type RoomDeletion, type RoomShutdown} from './deletion-task.ts';
export {AdministrationError, type AdministrationErrorCode} from './errors.ts';
export type {MediaOrder} from './media.ts';
export type {AccountWish, AdministeredAccount, People} from './people.ts';
export type {RoomFacts} from './room-facts.ts';
export type {AdministeredRooms, RoomDetails, RoomOrder} from './rooms.ts';
export {REDACT_USER} from './redact-user.ts';
export type {AdministeredReport} from './reports.ts';
export type {RegistrationTokens, TokenBounds} from './tokens.ts';

/** What administrators do. Whether somebody is one is for the caller to see; every act is written into the audit log. */
export interface Administration {
	readonly deletions: RoomDeletions;
	readonly media: AdministeredMedia;
	readonly people: People;
	readonly redactions: Redactions;
	readonly reports: AdministeredReports;
	readonly rooms: AdministeredRooms;
	readonly tokens: RegistrationTokens;
}

/** Makes the domain. */
export function createAdministration(dependencies: AdministrationDependencies): Administration {
	return {
		deletions: createRoomDeletions(dependencies),
		media: createAdministeredMedia(dependencies),
		redactions: createRedactions(dependencies),
		reports: createAdministeredReports(dependencies),
		people: createPeople(dependencies),
		rooms: createAdministeredRooms(dependencies),
		tokens: createRegistrationTokens(dependencies),
	};
}
