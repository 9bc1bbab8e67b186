export type {
	ClaimsByUser,
	DevicesByUser,
	EncryptionCaller,
	EncryptionDependencies,
} from './dependencies.ts';
export type {DehydratedDevices} from './dehydrated-devices.ts';
export type {DeviceListChanges} from './device-list-changes.ts';
export {createEncryption, type Encryption, type ListedDevices} from './encryption.ts';
export type {RoomKeyRow} from '../../storage/index.ts';
export {EncryptionError, type EncryptionErrorCode} from './errors.ts';
export type {KeyCounts} from './key-counts.ts';
export type {KeyBackupMethod, KeyBackups, KeyBackupVersion} from './key-backups.ts';
export type {QueriedKeys} from './key-views.ts';
