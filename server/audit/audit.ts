import {type ServerName, type Signer, signJson, verifySignedJson} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import type {AuditSeal, Batch, Storage} from '../../storage/index.ts';
import {type AuditAct, type ReadEntry, readEntry, toEntry} from './entry.ts';
import {type AuditMark, type AuditVerdict, verifyLog} from './verify.ts';

/** A key that this server signs with, or signed with once. */
export interface AuditKey {
	readonly keyId: string;
	readonly publicKey: Uint8Array;
}

/** What the domain is built from. */
export interface AuditDependencies {
	readonly storage: Storage;
	readonly clock: Pick<Clock, 'now'>;
	readonly serverName: ServerName;
	readonly signer: Signer;
	readonly listKeys: () => readonly AuditKey[];
	/** Told what was sealed, so that it is also written where the database's owner has no hand. */
	readonly onSealed?: ((mark: AuditMark) => void) | undefined;
}

/** What administrators did: a log that nobody changes unseen. */
export interface Audit {
	/** Has an act written in the commit of the batch that does it: both happen, or neither. */
	note(batch: Batch, act: AuditAct): void;
	/** Writes an act that has no batch of its own. */
	record(act: AuditAct): Promise<void>;
	/** Lists the entries before a position, or the last ones, the newest first. At most 1,000. */
	list(page: {readonly before?: number | undefined; readonly limit: number}): Promise<ReadEntry[]>;
	/** Gives all entries that somebody acted in, or was acted on in, oldest first. */
	listOfUser(userId: string): AsyncIterable<ReadEntry>;
	/** Signs that the last entry is in the log; how many entries that newly vouches for. */
	seal(): Promise<number>;
	/** Goes through the whole log. @param mark an entry that it must hold */
	verify(mark?: AuditMark): Promise<AuditVerdict>;
}

/** Entries that are read at a time where all are looked at. */
const PAGE = 500;

/** What a seal signs. */
const statementOf = ({position, hash, sealedTs}: Omit<AuditSeal, 'keyId' | 'signature'>) => ({
	audit_log: {position, hash, sealed_ts: sealedTs},
});

/** Makes the domain. */
export function createAudit({storage, clock, serverName, signer, listKeys, onSealed}: AuditDependencies): Audit {
	const {audit} = storage;

	function isGenuine({keyId, signature, ...seal}: AuditSeal): boolean {
		const key = listKeys().find((it) => it.keyId === keyId);
		if (key === undefined) return false;
		const statement = {...statementOf(seal), signatures: {[serverName]: {[keyId]: signature}}};
		return verifySignedJson(statement, serverName, keyId, key.publicKey);
	}

	function note(batch: Batch, act: AuditAct): void {
		audit.append(batch, toEntry(act, clock.now()));
	}

	return {
		note,
		async record(act) {
			const batch = storage.batch();
			note(batch, act);
			await storage.commit(batch);
		},
		async list({before = Number.MAX_SAFE_INTEGER, limit}) {
			const rows = await audit.listNewest({before, limit});
			return rows.map(readEntry).filter((entry) => entry !== undefined);
		},
		async *listOfUser(userId) {
			for (let after = 0; ; ) {
				const rows = await audit.list({after, limit: PAGE});
				for (const row of rows) {
					const entry = readEntry(row);
					if (entry?.who === userId || entry?.whom === userId) yield entry;
				}
				if (rows.length < PAGE) return;
				after = rows.at(-1)?.position ?? after;
			}
		},
		async seal() {
			const last = await audit.findLast();
			if (last === undefined) return 0;
			const {position, hash} = last;
			const before = (await audit.findLastSeal())?.position ?? 0;
			if (before >= position) return 0;
			const seal = {position, hash, sealedTs: clock.now()};
			const signature = signJson(statementOf(seal), serverName, signer).signatures[serverName]?.[signer.keyId];
			if (signature === undefined) throw new Error('expected a signature of this server, got none');
			const batch = storage.batch();
			audit.addSeal(batch, {...seal, keyId: signer.keyId, signature});
			await storage.commit(batch);
			onSealed?.({position, hash});
			return position - before;
		},
		verify: (mark) => verifyLog(storage, {isGenuine, mark}),
	};
}
