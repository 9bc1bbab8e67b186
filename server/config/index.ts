export {type Config, ConfigError, type DatabaseConfig, type PrivacyScope, type Role} from './config.ts';
export {databaseUrl, keyFilesOf} from './places.ts';
export {defaultConfigFile, loadConfig} from './load.ts';
