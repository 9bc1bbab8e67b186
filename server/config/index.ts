export {type Config, ConfigError, type DatabaseConfig, type PrivacyScope, type Role} from './config.ts';
export {defaultConfigFile, loadConfig} from './load.ts';
