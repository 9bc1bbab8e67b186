import {randomUUID} from 'node:crypto';
import {link, open, readFile, rename, unlink} from 'node:fs/promises';
import {dirname} from 'node:path';
import type {RandomBytes} from './random-text.ts';
import {
	formatOldVerifyKeys,
	formatSigningKeys,
	generateSigningKey,
	type OldVerifyKey,
	parseOldVerifyKeys,
	parseSigningKeys,
	SigningKeyError,
	type SigningKey,
} from './signing-key.ts';

/** Loads this server's keys, the one that signs first. Throws {@link SigningKeyError} for a file that is missing or broken. */
export async function loadSigningKeys(path: string): Promise<SigningKey[]> {
	const text = await readIfPresent(path);
	if (text === undefined) throw new SigningKeyError(`${path}: expected the signing key file, got nothing there.`);
	return parseSigningKeys(text, path);
}

/**
 * Loads this server's keys, or makes the first one where there is no file yet. Several processes may do so at once: one
 * of them makes the key and all use it.
 */
export async function loadOrCreateSigningKeys(
	path: string,
	random?: RandomBytes,
): Promise<{readonly keys: SigningKey[]; readonly isNew: boolean}> {
	const text = await readIfPresent(path);
	if (text !== undefined) return {keys: parseSigningKeys(text, path), isNew: false};
	const keys = [generateSigningKey({random})];
	const isNew = await writeDurably(path, formatSigningKeys(keys), 'if_absent');
	return isNew ? {keys, isNew} : {keys: await loadSigningKeys(path), isNew};
}

/** Replaces the key file as one step that a crash cannot tear; only the owner may read it. */
export async function saveSigningKeys(path: string, keys: readonly SigningKey[]): Promise<void> {
	await writeDurably(path, formatSigningKeys(keys), 'replace');
}

/** Loads the keys that this server signed with before; none where there is no file. Throws {@link SigningKeyError}. */
export async function loadOldVerifyKeys(path: string): Promise<OldVerifyKey[]> {
	return parseOldVerifyKeys((await readIfPresent(path)) ?? '', path);
}

/** Replaces the file of old keys, as {@link saveSigningKeys} does. */
export async function saveOldVerifyKeys(path: string, keys: readonly OldVerifyKey[]): Promise<void> {
	await writeDurably(path, formatOldVerifyKeys(keys), 'replace');
}

/** Reads a file as text; `undefined` where there is none. Throws {@link SigningKeyError} for one that cannot be read. */
export async function readIfPresent(path: string): Promise<string | undefined> {
	try {
		return await readFile(path, 'utf8');
	} catch (error) {
		if (hasCode(error, 'ENOENT')) return undefined;
		throw new SigningKeyError(`${path}: expected a key file that this process may read.`, {cause: error});
	}
}

/** Writes a file under another name, syncs it, then gives it its name; false if there was a file and it should stay. */
export async function writeDurably(path: string, text: string, mode: 'replace' | 'if_absent'): Promise<boolean> {
	const draft = `${path}.${randomUUID()}.new`;
	try {
		const file = await open(draft, 'wx', 0o600);
		try {
			await file.writeFile(text);
			await file.sync();
		} finally {
			await file.close();
		}
		// Unlike rename, link never replaces what another process has put there meanwhile.
		await (mode === 'replace' ? rename(draft, path) : link(draft, path));
		await syncDirectory(dirname(path));
		return true;
	} catch (error) {
		if (mode === 'if_absent' && hasCode(error, 'EEXIST')) return false;
		throw new SigningKeyError(`${path}: expected a folder that this process may write to.`, {cause: error});
	} finally {
		await unlink(draft).catch(() => undefined);
	}
}

/** Makes a new name survive a power loss. */
async function syncDirectory(path: string): Promise<void> {
	const directory = await open(path, 'r');
	try {
		await directory.sync();
	} finally {
		await directory.close();
	}
}

function hasCode(error: unknown, code: string): boolean {
	return error instanceof Error && 'code' in error && error.code === code;
}
