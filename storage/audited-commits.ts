import {canonicalJson, sha256Base64Url} from '../crypto/index.ts';
import type {Batch} from './batch.ts';
import {DuplicateError, StorageError} from './errors.ts';
import type {AuditEntry, AuditRow} from './interfaces/audit.ts';

/** How often an entry is written anew because another process was faster: each time that one got on. */
const attemptsMax = 50;

/** What the chain of the audit log is written with. */
interface Chain {
	readonly findLast: () => Promise<AuditRow | undefined>;
	readonly insert: (batch: Batch, row: AuditRow) => void;
	readonly commit: (batch: Batch) => Promise<void>;
}

/** Gives an entry as it stands in the log after the one that is last. */
export function chainEntry({ts, who, act, whom, details}: AuditEntry, last: AuditRow | undefined): AuditRow {
	const position = (last?.position ?? 0) + 1;
	const entry = canonicalJson({position, ts, who, act, whom, details, previous: last?.hash ?? ''});
	return {position, entry, hash: sha256Base64Url(entry)};
}

/**
 * Gives what commits batches, those with audit entries one after another: an entry holds the hash of the one before, which
 * is known once that one is on disk. Of two processes that write at the same position the key lets one through, and the
 * other's batch is committed again, as it is but for its entries.
 */
export function createAuditedCommits({findLast, insert, commit}: Chain): (batch: Batch) => Promise<void> {
	let lane: Promise<unknown> = Promise.resolve();

	async function commitNext(batch: Batch): Promise<void> {
		const {length} = batch.operations;
		for (let attempt = 0; attempt < attemptsMax; attempt++) {
			batch.operations.length = length;
			batch.isCommitted = false;
			let last = await findLast();
			for (const entry of batch.auditEntries) {
				last = chainEntry(entry, last);
				insert(batch, last);
			}
			try {
				await commit(batch);
				return;
			} catch (error) {
				if (!(error instanceof DuplicateError && error.table === 'audit_entries')) throw error;
			}
		}
		throw new StorageError('unavailable', 'other processes write to the audit log all the time');
	}

	return (batch) => {
		if (batch.auditEntries.length === 0) return commit(batch);
		if (batch.isCommitted) return Promise.reject(new Error('a batch can be committed once'));
		batch.isCommitted = true;
		const done = lane.then(() => commitNext(batch));
		lane = done.catch(() => undefined);
		return done;
	};
}
