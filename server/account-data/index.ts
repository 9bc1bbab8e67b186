export {type AccountData, type AccountDataKey, type KeptData, createAccountData} from './account-data.ts';
export {carryRoomDataOver} from './carry-over.ts';
export {AccountDataError, type AccountDataErrorCode} from './errors.ts';
export {getTags, removeTag, setTag} from './tags.ts';
