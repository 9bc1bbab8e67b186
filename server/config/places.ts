import {join} from 'node:path';
import type {Config, DatabaseConfig} from './config.ts';

/** Gives the files of this server's own keys: those in use, and those that were in use once. */
export function keyFilesOf({dataPath}: Pick<Config, 'dataPath'>): {readonly signing: string; readonly old: string} {
	return {signing: join(dataPath, 'signing.key'), old: join(dataPath, 'old-signing.keys')};
}

/** The address of a database as storage takes it. */
export function databaseUrl(database: DatabaseConfig): string {
	return database.kind === 'sqlite' ? `sqlite:${database.path}` : database.url;
}
