export {
	type CopyAge,
	copyDatabase,
	DatabaseCopy,
	type DatabaseLabel,
	lookAtDatabase,
	type Revival,
	setDatabaseAside,
} from './backup/index.ts';
export {type DatabaseInspection, inspectDatabase} from './backup/inspect.ts';
export {
	AnnouncedPosition,
	Batch,
	type Change,
	type ChangeKind,
	type CommittedChange,
	JsonText,
	Outcome,
	type Position,
	type PositionOrAnnounced,
	usersOf,
	usersOfChangeMax,
} from './batch.ts';
export {type Condition, ConflictError, DuplicateError, StorageError, type StorageErrorCode} from './errors.ts';
export type * from './interfaces/account-search.ts';
export type * from './interfaces/accounts.ts';
export type * from './interfaces/audit.ts';
export type * from './interfaces/calls.ts';
export type * from './interfaces/encryption.ts';
export type * from './interfaces/events.ts';
export type * from './interfaces/factors.ts';
export type * from './interfaces/guard.ts';
export type * from './interfaces/identities.ts';
export type * from './interfaces/key-backups.ts';
export type * from './interfaces/media.ts';
export type * from './interfaces/memberships.ts';
export type * from './interfaces/oauth.ts';
export type * from './interfaces/receipts.ts';
export type * from './interfaces/relations.ts';
export type * from './interfaces/rooms.ts';
export type * from './interfaces/search.ts';
export type * from './interfaces/source-links.ts';
export type * from './interfaces/state.ts';
export type * from './interfaces/transport.ts';
export type * from './interfaces/web-sessions.ts';
export {openStorage} from './open.ts';
export type {Ids, Storage, StorageFigures, StorageOptions, Stream} from './storage.ts';
