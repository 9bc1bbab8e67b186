import {join} from 'node:path';
import type {Config, DatabaseConfig} from './config.ts';

/** The files of a server's own keys. */
export interface KeyFiles {
	/** Those it signs with. */
	readonly signing: string;
	/** Those it signed with once. */
	readonly old: string;
	/** The one by which what people prove themselves with is encrypted. */
	readonly factors: string;
}

/** Gives the files of this server's own keys. */
export function keyFilesOf({dataPath}: Pick<Config, 'dataPath'>): KeyFiles {
	return {
		signing: join(dataPath, 'signing.key'),
		old: join(dataPath, 'old-signing.keys'),
		factors: join(dataPath, 'factors.key'),
	};
}

/** The address of a database as storage takes it. */
export function databaseUrl(database: DatabaseConfig): string {
	return database.kind === 'sqlite' ? `sqlite:${database.path}` : database.url;
}
