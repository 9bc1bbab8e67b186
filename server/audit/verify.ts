import {breathe, sha256Base64Url} from '../../crypto/index.ts';
import type {AuditRow, AuditSeal, Storage} from '../../storage/index.ts';
import {readEntry} from './entry.ts';

/** Entries and seals that are read at a time. */
const PAGE = 500;

/** An entry, as somebody outside has noted it. */
export interface AuditMark {
	readonly position: number;
	readonly hash: string;
}

/** The first thing that does not fit. */
export interface AuditFault {
	readonly position: number;
	/** A sentence for who looks after the server. */
	readonly reason: string;
}

/** What a look through the whole log has come to. */
export interface AuditVerdict {
	/** Entries that fit, from the first on. */
	readonly count: number;
	/** The hash of the last one that fits; absent where there is none. */
	readonly hash?: string | undefined;
	/** The last entry that a seal vouches for; 0: none. */
	readonly sealedUpTo: number;
	/** Absent where everything fits. */
	readonly fault?: AuditFault | undefined;
}

/** What a log is held against. */
export interface AuditEvidence {
	/** Whether this server signed a seal. */
	readonly isGenuine: (seal: AuditSeal) => boolean;
	/** An entry that the log must hold. */
	readonly mark?: AuditMark | undefined;
}

/** What is wrong with one entry, given the one before. */
function findFault(row: AuditRow, position: number, previous: string): string | undefined {
	if (row.position !== position) return 'the entry is missing, or cannot be read';
	if (sha256Base64Url(row.entry) !== row.hash) return 'the entry and its hash do not fit';
	const entry = readEntry(row);
	if (entry === undefined || entry.position !== position) return 'the entry is not one that this program wrote';
	return entry.previous === previous ? undefined : 'the entry does not follow the one before it';
}

/**
 * Goes through the log from its beginning, and through its seals, and names the first thing that does not fit: an entry
 * that was changed, left out or put in between, one that differs from what a seal or a mark says, and entries at the end
 * that a seal or a mark has seen and that are gone.
 */
export async function verifyLog(
	{audit}: Pick<Storage, 'audit'>,
	{isGenuine, mark}: AuditEvidence,
): Promise<AuditVerdict> {
	const seals = new SealReader(audit, isGenuine);
	let count = 0;
	let hash = '';
	const verdict = (fault?: AuditFault): AuditVerdict => ({
		count,
		hash: hash === '' ? undefined : hash,
		sealedUpTo: seals.upTo,
		fault,
	});
	for (;;) {
		const rows = await audit.list({after: count, limit: PAGE});
		for (const row of rows) {
			const position = count + 1;
			const reason =
				findFault(row, position, hash) ??
				(await seals.findFault(row)) ??
				(mark?.position === position && mark.hash !== row.hash ? 'the entry is not the one expected' : undefined);
			if (reason !== undefined) return verdict({position, reason});
			count = position;
			hash = row.hash;
		}
		if (rows.length === 0) break;
		await breathe();
	}
	const rest = await seals.findNext();
	if (rest !== undefined) {
		return verdict({
			position: count + 1,
			reason: `the log ends before it, and a seal says that there was an entry ${rest.position}`,
		});
	}
	if (mark !== undefined && mark.position > count) {
		return verdict({position: count + 1, reason: `the log ends before it, and entry ${mark.position} is expected`});
	}
	return verdict();
}

/** Reads the seals beside the entries, in the same order. */
class SealReader {
	readonly #audit: Storage['audit'];
	readonly #isGenuine: AuditEvidence['isGenuine'];
	#page: AuditSeal[] = [];
	#after = 0;
	#isAtEnd = false;
	/** The last position that a seal has vouched for. */
	upTo = 0;

	constructor(audit: Storage['audit'], isGenuine: AuditEvidence['isGenuine']) {
		this.#audit = audit;
		this.#isGenuine = isGenuine;
	}

	/** The seal that comes next; it stays the next one until its entry is looked at. */
	async findNext(): Promise<AuditSeal | undefined> {
		if (this.#page.length === 0 && !this.#isAtEnd) {
			this.#page = await this.#audit.listSeals({after: this.#after, limit: PAGE});
			this.#after = this.#page.at(-1)?.position ?? this.#after;
			this.#isAtEnd = this.#page.length === 0;
		}
		return this.#page[0];
	}

	/** What the seal of an entry has against it, if there is one. */
	async findFault({position, hash}: AuditRow): Promise<string | undefined> {
		const seal = await this.findNext();
		if (seal === undefined || seal.position > position) return undefined;
		this.#page.shift();
		if (!this.#isGenuine(seal)) return 'its seal is not signed with a key of this server';
		if (seal.hash !== hash) return 'the entry is not the one that was sealed';
		this.upTo = position;
		return undefined;
	}
}
