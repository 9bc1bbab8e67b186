import {createHash} from 'node:crypto';
import type {FileHandle} from 'node:fs/promises';
import {isJsonObject, type JsonObject, type JsonValue, JsonSyntaxError, readStrictJson} from '../../crypto/index.ts';
import {BackupError} from './errors.ts';
import {readTar, type TarEntry} from './tar.ts';

/** The names of an archive's files, in their order; media lie between keys and contents. */
export const HEAD = 'backup.json';
export const DATABASE = 'database.sqlite';
export const SIGNING_KEYS = 'signing.key';
export const OLD_KEYS = 'old-signing.keys';
export const FACTORS_KEY = 'factors.key';
export const MEDIA_PREFIX = 'media/';
export const CONTENTS = 'contents.json';

/** The form of archives that this program writes; it reads no other. */
export const FORMAT = 1;

/** Head and contents are small; keys too. */
const SMALL_BYTES_MAX = 1 << 20;
/** Files of which the contents tell, beside media, which are named by what is in them. */
const FILES_MAX = 16;

/** What the archive's first file says. */
export interface ArchiveHead {
	readonly serverName: string;
	readonly madeTs: number;
}

/** A file of the archive, as its contents tell of it. */
export interface ListedFile {
	readonly name: string;
	readonly sizeBytes: number;
	/** Lower-case hexadecimal. */
	readonly sha256: string;
}

/** What the archive's last file says. */
export interface ArchiveContents {
	readonly files: readonly ListedFile[];
	readonly media: {readonly count: number; readonly bytes: number; readonly missing: number};
}

const bad = (what: string): BackupError => new BackupError('bad-archive', `The backup is damaged: ${what}`);

/** Writes the archive's first file. */
export function writeHead({serverName, madeTs}: ArchiveHead): Buffer {
	return Buffer.from(`${JSON.stringify({broadsheet_backup: FORMAT, server_name: serverName, made_ts: madeTs})}\n`);
}

/** Writes the archive's last file. */
export function writeContents({files, media}: ArchiveContents): Buffer {
	const listed = files.map(({name, sizeBytes, sha256}) => ({name, size: sizeBytes, sha256}));
	return Buffer.from(`${JSON.stringify({files: listed, media}, null, '\t')}\n`);
}

/** Reads a small file of an archive as a whole. */
export async function readSmall(entry: TarEntry): Promise<Buffer> {
	if (entry.sizeBytes > SMALL_BYTES_MAX) throw bad(`${entry.name} is too large`);
	const chunks: Buffer[] = [];
	for await (const chunk of entry.read()) chunks.push(Buffer.from(chunk));
	return Buffer.concat(chunks);
}

async function readObject(entry: TarEntry): Promise<JsonObject> {
	let value: JsonValue;
	try {
		value = readStrictJson(await readSmall(entry));
	} catch (cause) {
		if (!(cause instanceof JsonSyntaxError)) throw cause;
		throw bad(`${entry.name} is no JSON`);
	}
	if (!isJsonObject(value)) throw bad(`${entry.name} is no object`);
	return value;
}

async function readHead(entry: TarEntry): Promise<ArchiveHead> {
	if (entry.name !== HEAD) throw new BackupError('bad-archive', 'The file is not a backup of this program');
	const {broadsheet_backup: format, server_name: serverName, made_ts: madeTs} = await readObject(entry);
	if (format !== FORMAT) {
		throw new BackupError(
			'bad-archive',
			`The backup has form ${JSON.stringify(format)}, and this program reads form ${FORMAT}`,
		);
	}
	if (typeof serverName !== 'string' || typeof madeTs !== 'number') throw bad(`${HEAD} does not say whose it is`);
	return {serverName, madeTs};
}

function readContents({files, media}: JsonObject): ArchiveContents {
	if (!Array.isArray(files) || files.length > FILES_MAX || !isJsonObject(media)) throw bad(`${CONTENTS} lists nothing`);
	const {count, bytes, missing} = media;
	if (typeof count !== 'number' || typeof bytes !== 'number' || typeof missing !== 'number') {
		throw bad(`${CONTENTS} does not count media`);
	}
	const listed = files.map((file): ListedFile => {
		const {name, size, sha256} = isJsonObject(file) ? file : ({} as JsonObject);
		if (typeof name !== 'string' || typeof size !== 'number' || typeof sha256 !== 'string') {
			throw bad(`${CONTENTS} lists something else than files`);
		}
		return {name, sizeBytes: size, sha256};
	});
	return {files: listed, media: {count, bytes, missing}};
}

/** Gives the SHA-256 of what is read, in lower-case hexadecimal. */
export async function hashOf(content: AsyncIterable<Uint8Array>): Promise<string> {
	const hash = createHash('sha256');
	for await (const chunk of content) hash.update(chunk);
	return hash.digest('hex');
}

/** What a whole archive is known to hold once every byte of it was checked. */
export interface CheckedArchive {
	readonly head: ArchiveHead;
	readonly contents: ArchiveContents;
}

/**
 * Reads an archive from its first byte to its last, and compares everything with what it should be: media with the hashes
 * that name them, all else with the list at the end.
 * @throws BackupError('bad-archive')
 */
export async function checkArchive(handle: FileHandle): Promise<CheckedArchive> {
	let head: ArchiveHead | undefined;
	let contents: ArchiveContents | undefined;
	const found: ListedFile[] = [];
	const media = {count: 0, bytes: 0};
	for await (const entry of readTar(handle)) {
		const {name, sizeBytes} = entry;
		if (contents !== undefined) throw bad(`something follows ${CONTENTS}`);
		if (head === undefined) {
			head = await readHead(entry);
		} else if (name === CONTENTS) {
			contents = readContents(await readObject(entry));
		} else {
			const sha256 = await hashOf(entry.read());
			if (!name.startsWith(MEDIA_PREFIX)) found.push({name, sizeBytes, sha256});
			else if (name.slice(MEDIA_PREFIX.length) !== sha256) throw bad(`${name} is not what its name says`);
			else {
				media.count += 1;
				media.bytes += sizeBytes;
			}
		}
		if (found.length > FILES_MAX) throw bad('it holds more files than a backup has');
	}
	if (head === undefined || contents === undefined) throw bad('it has no end');
	compare(found, contents, media);
	return {head, contents};
}

function compare(
	found: readonly ListedFile[],
	{files, media}: ArchiveContents,
	counted: {readonly count: number; readonly bytes: number},
): void {
	for (const {name, sizeBytes, sha256} of files) {
		const same = found.find((file) => file.name === name);
		if (same?.sizeBytes !== sizeBytes || same.sha256 !== sha256) throw bad(`${name} is not what it was`);
	}
	const isListed = found.length === files.length && counted.count === media.count && counted.bytes === media.bytes;
	if (!isListed) throw bad(`it holds other files than ${CONTENTS} says`);
	for (const name of [DATABASE, SIGNING_KEYS]) {
		if (!files.some((file) => file.name === name)) throw bad(`${name} is not in it`);
	}
}
