import {randomUUID} from 'node:crypto';
import {existsSync, mkdirSync, readFileSync, renameSync} from 'node:fs';
import {type FileHandle, open, rm, writeFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {
	encodeBase64,
	loadOldVerifyKeys,
	loadSigningKeys,
	type OldVerifyKey,
	parseSigningKeys,
	type RandomBytes,
	type SigningKey,
} from '../../crypto/index.ts';
import {DatabaseCopy, lookAtDatabase, type Revival, setDatabaseAside} from '../../storage/index.ts';
import {type AuditActor, toEntry} from '../audit/index.ts';
import {type Config, databaseUrl, keyFilesOf} from '../config/index.ts';
import {ContentStore} from '../media/index.ts';
import {
	type ArchiveContents,
	type ArchiveHead,
	checkArchive,
	DATABASE,
	FACTORS_KEY,
	MEDIA_PREFIX,
	OLD_KEYS,
	readSmall,
	SIGNING_KEYS,
} from './archive.ts';
import {syncDirectory} from './back-up.ts';
import {BackupError} from './errors.ts';
import {readTar, type TarEntry} from './tar.ts';

/** What a backup is restored with. */
export interface RestoreOptions {
	readonly config: Pick<Config, 'database' | 'dataPath' | 'media' | 'serverName'>;
	readonly file: string;
	/** Whether a database and keys that are there may be replaced; those in files are set aside, those in PostgreSQL lost. */
	readonly replaces: boolean;
	readonly nowTs: number;
	readonly random: RandomBytes;
	/** Who restores it, for the audit log. */
	readonly by: AuditActor;
}

/** What was restored. */
export interface Restored {
	readonly head: ArchiveHead;
	readonly contents: ArchiveContents;
	readonly revival: Revival;
	/** `kept`: the keys that are there are newer than those of the backup, and go on. */
	readonly keys: 'restored' | 'same' | 'kept';
	/** Files that were there before, by their new names. */
	readonly setAside: readonly string[];
}

/**
 * Puts a backup in the place of a server that is gone, and makes it fit to go on where others know what it does not. All
 * of the archive is checked before anything is written, and the database comes last: what ends before leaves nothing that
 * a server would start on.
 *
 * @throws BackupError, StorageError, MediaError, SigningKeyError
 */
export async function restore(options: RestoreOptions): Promise<Restored> {
	const {config, file, nowTs} = options;
	const handle = await open(file, 'r');
	const url = databaseUrl(config.database);
	const place = config.database.kind === 'sqlite' ? dirname(config.database.path) : config.dataPath;
	const draft = join(place, `restoring-${randomUUID()}.sqlite`);
	try {
		const {head, contents} = await checkArchive(handle);
		if (head.serverName !== config.serverName) {
			throw new BackupError(
				'wrong-server',
				`The backup is that of ${head.serverName}, and server_name is ${config.serverName}`,
			);
		}
		const occupied = await lookAtDatabase(url);
		if (occupied === 'in_use') throw new BackupError('in-use', 'A server runs on this database: stop it first');
		const keys = await planKeys(handle, options);
		if (!options.replaces && (occupied === 'present' || keys.what === 'replace')) {
			const what = occupied === 'present' ? 'a database' : 'a signing key';
			throw new BackupError(
				'not-empty',
				`There is ${what} already: move it away, or say --replace, which sets it aside`,
			);
		}
		for (const directory of [config.dataPath, place]) mkdirSync(directory, {recursive: true, mode: 0o700});
		await extract(handle, DATABASE, draft);
		using copy = await DatabaseCopy.open(draft);
		if (copy.label.serverName !== head.serverName)
			throw new BackupError('bad-archive', 'The database is another server’s');
		const revival = await copy.revive({madeTs: head.madeTs, nowTs});
		const details = {made_ts: head.madeTs, replaces: occupied === 'present'};
		copy.appendAudit(toEntry({who: options.by, act: 'restore-server', details}, nowTs));
		await restoreMedia(handle, options);
		const setAside = [...(await placeKeys(keys, options)), ...(await placeFactorsKey(handle, options))];
		if (occupied === 'present') setAside.push(...replaceDatabase(config, nowTs));
		await copy.place(url);
		await syncDirectory(place);
		return {head, contents, revival, keys: keys.what === 'replace' ? 'restored' : keys.what, setAside};
	} finally {
		await handle.close();
		for (const ending of ['', '-journal', '-wal', '-shm']) await rm(draft + ending, {force: true});
	}
}

async function findEntry(handle: FileHandle, name: string): Promise<TarEntry | undefined> {
	for await (const entry of readTar(handle)) if (entry.name === name) return entry;
	return undefined;
}

/** Writes a file of the archive, for the owner alone; it is on the disk when this returns. */
async function extract(handle: FileHandle, name: string, path: string): Promise<void> {
	const entry = await findEntry(handle, name);
	if (entry === undefined) return;
	const target = await open(path, 'wx', 0o600);
	try {
		await writeFile(target, entry.read());
		await target.sync();
	} finally {
		await target.close();
	}
}

async function restoreMedia(handle: FileHandle, {config, random}: RestoreOptions): Promise<void> {
	const store = new ContentStore(config.media.store, random);
	for await (const entry of readTar(handle)) {
		if (!entry.name.startsWith(MEDIA_PREFIX)) continue;
		// A file that has its name is whole.
		const there = await store.open(entry.name.slice(MEDIA_PREFIX.length));
		if (there === undefined) await store.receive(() => entry.read());
		else await there.close();
	}
}

/** What becomes of the key files. */
interface KeyPlan {
	readonly what: 'restored' | 'replace' | 'same' | 'kept';
	readonly signing: Buffer;
	readonly old: Buffer | undefined;
}

/** A key that was changed since the backup was made is the newer one, and the only one that partners take events by. */
async function planKeys(handle: FileHandle, {config}: RestoreOptions): Promise<KeyPlan> {
	const [signing, old] = await Promise.all([findEntry(handle, SIGNING_KEYS), findEntry(handle, OLD_KEYS)]);
	if (signing === undefined)
		throw new BackupError('bad-archive', `The backup is damaged: ${SIGNING_KEYS} is not in it`);
	const bytes = {signing: await readSmall(signing), old: old && (await readSmall(old))};
	const [key] = parseSigningKeys(bytes.signing.toString('utf8'), `${SIGNING_KEYS} of the backup`);
	const files = keyFilesOf(config);
	if (key === undefined || !existsSync(files.signing)) return {what: 'restored', ...bytes};
	const isKey = (other: SigningKey | OldVerifyKey): boolean =>
		other.keyId === key.keyId && encodeBase64(other.publicKey) === encodeBase64(key.publicKey);
	const [current] = await loadSigningKeys(files.signing);
	if (current !== undefined && isKey(current)) return {what: 'same', ...bytes};
	const isOlder = (await loadOldVerifyKeys(files.old)).some(isKey);
	return {what: isOlder ? 'kept' : 'replace', ...bytes};
}

async function placeKeys({what, signing, old}: KeyPlan, {config, nowTs}: RestoreOptions): Promise<string[]> {
	if (what === 'same' || what === 'kept') return [];
	const files = keyFilesOf(config);
	const setAside: string[] = [];
	for (const path of [files.signing, files.old]) {
		if (existsSync(path)) setAside.push(moveAside(path, nowTs));
	}
	if (old !== undefined) await writeSecret(files.old, old);
	await writeSecret(files.signing, signing);
	await syncDirectory(config.dataPath);
	return setAside;
}

/** What people prove themselves with is encrypted by the key that lies beside it in the backup, and by no other. */
async function placeFactorsKey(handle: FileHandle, {config, nowTs}: RestoreOptions): Promise<string[]> {
	const entry = await findEntry(handle, FACTORS_KEY);
	if (entry === undefined) return [];
	const bytes = await readSmall(entry);
	const {factors: path} = keyFilesOf(config);
	if (existsSync(path) && bytes.equals(readFileSync(path))) return [];
	const setAside = existsSync(path) ? [moveAside(path, nowTs)] : [];
	await writeSecret(path, bytes);
	await syncDirectory(config.dataPath);
	return setAside;
}

async function writeSecret(path: string, bytes: Buffer): Promise<void> {
	await writeFile(path, bytes, {flag: 'wx', mode: 0o600, flush: true});
}

/** A name by which a file is found again, and when it was replaced. */
const asideName = (path: string, nowTs: number): string =>
	`${path}.replaced-${new Date(nowTs).toISOString().replaceAll(/[-:]|\.\d+/gu, '')}`;

function moveAside(path: string, nowTs: number): string {
	const aside = asideName(path, nowTs);
	renameSync(path, aside);
	return aside;
}

/** Makes room for the restored database. What PostgreSQL holds goes in the transaction that loads the backup. */
function replaceDatabase({database}: RestoreOptions['config'], nowTs: number): string[] {
	if (database.kind !== 'sqlite') return [];
	const aside = asideName(database.path, nowTs);
	setDatabaseAside(database.path, aside);
	// What a process that was killed left beside it is a part of it.
	return ['', '-wal', '-shm'].map((ending) => aside + ending).filter((path) => existsSync(path));
}
