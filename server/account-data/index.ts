export {type AccountData, type AccountDataKey, createAccountData} from './account-data.ts';
export {AccountDataError, type AccountDataErrorCode} from './errors.ts';
export {getTags, removeTag, setTag} from './tags.ts';
