import type {FileHandle} from 'node:fs/promises';
import {BackupError} from './errors.ts';

/*
 * The part of the tar format (POSIX.1-1988 "ustar") that a backup needs: regular files with short names, of any size. Every
 * tar reads it, so that somebody without this program can still get at what is theirs.
 */

const BLOCK = 512;
/** What is read at a time. */
const CHUNK = 256 * 1024;
/** A size up to here is written in octal digits, a larger one in binary as GNU tar does. */
const OCTAL_MAX = 8 ** 11 - 1;
const NAME_MAX = 100;

/** Where the fields of a header lie. */
const field = {
	name: [0, NAME_MAX],
	mode: [100, 8],
	owner: [108, 8],
	group: [116, 8],
	size: [124, 12],
	modified: [136, 12],
	checksum: [148, 8],
	type: [156, 1],
	magic: [257, 8],
} as const;

const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`;

const paddingOf = (sizeBytes: number): number => (BLOCK - (sizeBytes % BLOCK)) % BLOCK;

/** The sum of a header's bytes, those of the checksum itself counted as spaces. */
function checksumOf(header: Uint8Array): number {
	const [start, length] = field.checksum;
	return header.reduce((sum, byte, index) => sum + (index >= start && index < start + length ? 0x20 : byte), 0);
}

function writeHeader(name: string, sizeBytes: number, madeTs: number): Buffer {
	const header = Buffer.alloc(BLOCK);
	const put = ([start]: readonly [number, number], text: string) => header.write(text, start, 'latin1');
	put(field.name, name);
	put(field.mode, octal(0o600, 8));
	put(field.owner, octal(0, 8));
	put(field.group, octal(0, 8));
	if (sizeBytes <= OCTAL_MAX) put(field.size, octal(sizeBytes, 12));
	else {
		header[field.size[0]] = 0x80;
		header.writeBigUInt64BE(BigInt(sizeBytes), field.size[0] + 4);
	}
	put(field.modified, octal(Math.floor(madeTs / 1000), 12));
	put(field.type, '0');
	put(field.magic, 'ustar\x0000');
	put(field.checksum, `${checksumOf(header).toString(8).padStart(6, '0')}\0 `);
	return header;
}

/** Writes files one after the other into one. */
export class TarWriter {
	readonly #handle: FileHandle;
	readonly #madeTs: number;

	constructor(handle: FileHandle, madeTs: number) {
		this.#handle = handle;
		this.#madeTs = madeTs;
	}

	/** Adds a file, whose content must have the size that is said. */
	async add(name: string, sizeBytes: number, content: AsyncIterable<Uint8Array>): Promise<void> {
		if (name.length > NAME_MAX) throw new Error('expected a short name');
		await this.#handle.appendFile(writeHeader(name, sizeBytes, this.#madeTs));
		let written = 0;
		for await (const chunk of content) {
			await this.#handle.appendFile(chunk);
			written += chunk.length;
		}
		if (written !== sizeBytes) throw new Error(`${name}: expected ${sizeBytes} bytes, got ${written}`);
		await this.#handle.appendFile(Buffer.alloc(paddingOf(sizeBytes)));
	}

	/** Writes what says that nothing follows. */
	async end(): Promise<void> {
		await this.#handle.appendFile(Buffer.alloc(2 * BLOCK));
	}
}

/** A file in an archive. */
export interface TarEntry {
	readonly name: string;
	readonly sizeBytes: number;
	/** Reads its content; each chunk is good until the next one is asked for. */
	read(): AsyncGenerator<Buffer, void, void>;
}

/** Reads the files of an archive in their order. @throws BackupError('bad-archive') where it is none, or ends too early */
export async function* readTar(handle: FileHandle): AsyncGenerator<TarEntry, void, void> {
	let at = 0;
	for (;;) {
		const header = Buffer.alloc(BLOCK);
		await readFully(handle, header, at);
		if (header.every((byte) => byte === 0)) return;
		const {name, sizeBytes} = readHeader(header);
		const start = at + BLOCK;
		yield {name, sizeBytes, read: () => readRange(handle, start, sizeBytes)};
		at = start + sizeBytes + paddingOf(sizeBytes);
	}
}

function readHeader(header: Buffer): {readonly name: string; readonly sizeBytes: number} {
	const text = ([start, length]: readonly [number, number]): string =>
		header.toString('latin1', start, start + length).split('\0', 1)[0] ?? '';
	const isOurs =
		text(field.magic).startsWith('ustar') && Number.parseInt(text(field.checksum), 8) === checksumOf(header);
	const isBinary = header[field.size[0]] === 0x80;
	const sizeBytes = isBinary ? Number(header.readBigUInt64BE(field.size[0] + 4)) : Number.parseInt(text(field.size), 8);
	if (!isOurs || text(field.type) !== '0' || !Number.isSafeInteger(sizeBytes)) {
		throw new BackupError('bad-archive', 'The file is not a backup of this program, or is damaged');
	}
	return {name: text(field.name), sizeBytes};
}

async function* readRange(handle: FileHandle, start: number, sizeBytes: number): AsyncGenerator<Buffer, void, void> {
	const buffer = Buffer.alloc(Math.min(CHUNK, sizeBytes));
	for (let done = 0; done < sizeBytes; ) {
		const chunk = buffer.subarray(0, Math.min(buffer.length, sizeBytes - done));
		await readFully(handle, chunk, start + done);
		yield chunk;
		done += chunk.length;
	}
}

async function readFully(handle: FileHandle, buffer: Buffer, position: number): Promise<void> {
	for (let done = 0; done < buffer.length; ) {
		const {bytesRead} = await handle.read(buffer, done, buffer.length - done, position + done);
		if (bytesRead === 0)
			throw new BackupError('bad-archive', 'The backup ends too early: it was not copied as a whole');
		done += bytesRead;
	}
}

/** Reads an open file from its beginning to its end. */
export function readFileOf(handle: FileHandle, sizeBytes: number): AsyncGenerator<Buffer, void, void> {
	return readRange(handle, 0, sizeBytes);
}
