import {randomUUID} from 'node:crypto';
import {existsSync} from 'node:fs';
import {type FileHandle, open, rename, rm} from 'node:fs/promises';
import {dirname} from 'node:path';
import {loadSigningKeys, type RandomBytes} from '../../crypto/index.ts';
import {copyDatabase, DatabaseCopy} from '../../storage/index.ts';
import {type Config, databaseUrl, keyFilesOf} from '../config/index.ts';
import {ContentStore} from '../media/index.ts';
import {
	type ArchiveContents,
	type CheckedArchive,
	checkArchive,
	CONTENTS,
	DATABASE,
	FACTORS_KEY,
	hashOf,
	HEAD,
	type ListedFile,
	MEDIA_PREFIX,
	OLD_KEYS,
	SIGNING_KEYS,
	writeContents,
	writeHead,
} from './archive.ts';
import {BackupError} from './errors.ts';
import {readFileOf, TarWriter} from './tar.ts';

/** Names of media that are held at a time. */
const PAGE = 1000;

/** What a backup is made with. */
export interface BackupOptions {
	readonly config: Pick<Config, 'database' | 'dataPath' | 'media' | 'serverName'>;
	/** The archive, which must not exist. */
	readonly file: string;
	readonly nowTs: number;
	readonly random: RandomBytes;
}

/**
 * Writes everything that a server is into one file, beside the running server: the database as it is at one moment, the
 * media that it names, and the server's keys. The archive gets its name when every byte of it has been read back.
 *
 * @throws BackupError, StorageError, SigningKeyError
 */
export async function backUp({config, file, nowTs, random}: BackupOptions): Promise<CheckedArchive> {
	if (existsSync(file)) throw new BackupError('exists', `${file} exists; give the backup a name of its own`);
	// The copy of the database lies beside the archive while it is written: there is room for both, or there is no backup.
	const draft = `${file}.${randomUUID()}.partial`;
	const database = `${draft}.sqlite`;
	try {
		const handle = await open(draft, 'wx+', 0o600);
		try {
			await copyDatabase(databaseUrl(config.database), database);
			using copy = await DatabaseCopy.open(database);
			const {serverName} = copy.label;
			if (serverName !== config.serverName) {
				throw new BackupError(
					'wrong-server',
					`The database is that of ${serverName}, and server_name is ${config.serverName}`,
				);
			}
			await writeArchive(handle, {config, database, copy, nowTs, random});
			await handle.sync();
			const checked = await checkArchive(handle);
			await rename(draft, file);
			await syncDirectory(dirname(file));
			return checked;
		} finally {
			await handle.close();
		}
	} finally {
		for (const path of [draft, database, `${database}-journal`]) await rm(path, {force: true});
	}
}

interface ArchiveSources extends Pick<BackupOptions, 'config' | 'nowTs' | 'random'> {
	readonly database: string;
	readonly copy: DatabaseCopy;
}

async function writeArchive(handle: FileHandle, sources: ArchiveSources): Promise<void> {
	const {config, database, nowTs} = sources;
	const keyFiles = keyFilesOf(config);
	// What cannot be read now could not be read when it is needed.
	await loadSigningKeys(keyFiles.signing);
	const tar = new TarWriter(handle, nowTs);
	await addBytes(tar, HEAD, writeHead({serverName: config.serverName, madeTs: nowTs}));
	const files = [await addFile(tar, DATABASE, database), await addFile(tar, SIGNING_KEYS, keyFiles.signing)];
	if (existsSync(keyFiles.old)) files.push(await addFile(tar, OLD_KEYS, keyFiles.old));
	if (existsSync(keyFiles.factors)) files.push(await addFile(tar, FACTORS_KEY, keyFiles.factors));
	const media = await addMedia(tar, sources);
	await addBytes(tar, CONTENTS, writeContents({files, media}));
	await tar.end();
}

async function addFile(tar: TarWriter, name: string, path: string): Promise<ListedFile> {
	const handle = await open(path, 'r');
	try {
		const {size: sizeBytes} = await handle.stat();
		await tar.add(name, sizeBytes, readFileOf(handle, sizeBytes));
		return {name, sizeBytes, sha256: await hashOf(readFileOf(handle, sizeBytes))};
	} finally {
		await handle.close();
	}
}

/** Adds the media that the copy of the database names; those that were removed since are counted. */
async function addMedia(tar: TarWriter, {config, copy, random}: ArchiveSources): Promise<ArchiveContents['media']> {
	const store = new ContentStore(config.media.store, random);
	const media = {count: 0, bytes: 0, missing: 0};
	for (let after = ''; ; ) {
		const page = copy.listContents(after, PAGE);
		for (const sha256 of page) {
			const handle = await store.open(sha256);
			if (handle === undefined) {
				media.missing += 1;
				continue;
			}
			try {
				const {size} = await handle.stat();
				await tar.add(MEDIA_PREFIX + sha256, size, readFileOf(handle, size));
				media.count += 1;
				media.bytes += size;
			} finally {
				await handle.close();
			}
		}
		after = page.at(-1) ?? '';
		if (page.length < PAGE) return media;
	}
}

async function addBytes(tar: TarWriter, name: string, bytes: Buffer): Promise<void> {
	// oxlint-disable-next-line require-await -- what is there already is read as what comes
	await tar.add(
		name,
		bytes.length,
		(async function* once() {
			yield bytes;
		})(),
	);
}

/** Makes a new name survive a power loss. */
export async function syncDirectory(path: string): Promise<void> {
	const directory = await open(path, 'r');
	try {
		await directory.sync();
	} finally {
		await directory.close();
	}
}
