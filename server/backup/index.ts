export type {ArchiveContents, ArchiveHead, CheckedArchive} from './archive.ts';
export {backUp, type BackupOptions} from './back-up.ts';
export {BackupError, type BackupErrorCode} from './errors.ts';
export {restore, type Restored, type RestoreOptions} from './restore.ts';
