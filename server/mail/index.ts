export {type MailAddress, readMailAddress} from './address.ts';
export {MailError, type MailErrorCode} from './errors.ts';
export {defaultLanguage, findLanguage, type Language} from './languages.ts';
export {createMail, type Letter, type Mail} from './mail.ts';
