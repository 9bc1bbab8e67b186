export type {Notification, NotificationsFound, NotificationsPage} from './notifications.ts';
export {SyncError, type SyncErrorCode} from './errors.ts';
export type {EventsWait} from './old-events.ts';
export type {
	ExtensionRequests,
	ExtensionScope,
	ListFilters,
	ListRequest,
	RequiredState,
	RoomRequest,
	SlidingSyncRequest,
	StateElement,
} from './sliding/request.ts';
export {createSync, type Sync, type SyncDependencies, type SyncRequest} from './sync.ts';
export type {EncryptionSource} from './v3/view.ts';
