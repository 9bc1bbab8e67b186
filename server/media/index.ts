export {writeDisposition} from './content-description.ts';
export {ContentStore} from './content-store.ts';
export type {ByteRange, OpenedMedium} from './library.ts';
export type {MediaDependencies} from './dependencies.ts';
export {MediaError, type MediaErrorCode, MediaQuotaError} from './errors.ts';
export {createMedia, type Media} from './media.ts';
export {type MultipartBody, writeMultipart} from './multipart.ts';
export type {ThumbnailRequest} from './thumbnail-forms.ts';
export {createRemoteMedia} from './remote-media.ts';
