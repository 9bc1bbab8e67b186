import {randomText, type RandomBytes, sha256Base64Url, type UserId} from '../../crypto/index.ts';
import {type Batch, ConflictError, type Storage} from '../../storage/index.ts';
import type {NoticeQueue} from '../notices/index.ts';
import {wrongCode} from './errors.ts';

/** How many codes a person is given at once. */
export const RECOVERY_CODES = 10;

/** Digits and letters without those that are read as others: no I, L, O, U. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** Of 32 characters each: 80 bits, which nobody tries out, even with the hash. */
const CODE_LENGTH = 16;
const CODE = /^[\dA-HJKMNP-TV-Z]{16}$/u;

/**
 * Adds to a batch new recovery codes in the place of those from before, and gives them, this once: only hashes are kept.
 * They are written as XXXX-XXXX-XXXX-XXXX.
 */
export function renewRecoveryCodes(
	{storage, random}: {readonly storage: Storage; readonly random: RandomBytes},
	batch: Batch,
	userId: UserId,
): readonly string[] {
	const codes = Array.from({length: RECOVERY_CODES}, () => newCode(random));
	storage.factors.setRecoveryCodes(
		batch,
		userId,
		codes.map((code) => hashOf(userId, code)),
	);
	return codes.map(write);
}

/** Adds one code to a batch, beside those that there are, or in their place. */
export function addRecoveryCode(
	{storage, random}: {readonly storage: Storage; readonly random: RandomBytes},
	batch: Batch,
	userId: UserId,
	{replaces}: {readonly replaces: boolean},
): string {
	const code = newCode(random);
	if (replaces) storage.factors.setRecoveryCodes(batch, userId, []);
	storage.factors.addRecoveryCode(batch, userId, hashOf(userId, code));
	return write(code);
}

function newCode(random: RandomBytes): string {
	return randomText(ALPHABET, CODE_LENGTH, random);
}

function write(code: string): string {
	return code.replaceAll(/.{4}(?!$)/gu, '$&-');
}

/** Reads a recovery code as people write it; `undefined` for anything else. */
export function readRecoveryCode(text: string): string | undefined {
	const code = text
		.replaceAll(/[\s\p{Cf}-]/gu, '')
		.toUpperCase()
		.replaceAll('O', '0')
		.replaceAll(/[IL]/gu, '1');
	return CODE.test(code) ? code : undefined;
}

/** Takes a recovery code, once, and has its owner told. @throws SecondFactorError 'wrong-code' */
export async function proveRecoveryCode(
	{storage, notices}: {readonly storage: Storage; readonly notices: NoticeQueue},
	userId: UserId,
	code: string,
): Promise<void> {
	const batch = storage.batch();
	storage.factors.useRecoveryCode(batch, userId, hashOf(userId, code));
	notices.add(batch, userId, {kind: 'recovery-code-used'});
	await storage.commit(batch).catch((cause: unknown) => {
		throw cause instanceof ConflictError ? wrongCode({cause}) : cause;
	});
}

/** The same code of another person has another hash. */
function hashOf(userId: UserId, code: string): string {
	return sha256Base64Url(`${userId} ${code}`);
}
