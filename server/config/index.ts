export type {Config, DatabaseConfig, PrivacyScope, Role} from './config.ts';
export {ConfigError} from './errors.ts';
export type {ServerNoticesConfig, SmtpConfig} from './mail.ts';
export type {AppserviceRegistration} from './registrations.ts';
export {databaseUrl, keyFilesOf} from './places.ts';
export {defaultConfigFile, loadConfig} from './load.ts';
export type {IdentityProviderConfig, LdapProviderConfig, OidcProviderConfig} from './identity-providers.ts';
