import type {Database} from 'better-sqlite3';

/**
 * How far ids and positions jump, for each day since the backup was made. Whatever was given out since lies below the
 * place where the restored server goes on, so that nothing is given out twice and no token of a client is ahead of it.
 */
const JUMP = 1_000_000;
const DAY_MS = 86_400_000;

/** When a copy was made, and when it is put to use. */
export interface CopyAge {
	readonly madeTs: number;
	readonly nowTs: number;
}

/** What was done to a copy. */
export interface Revival {
	/** People of this server whose devices are announced anew. */
	readonly localUsers: number;
	/** People of other servers whose devices are asked for anew. */
	readonly remoteUsers: number;
	/** One-time keys that were dropped. */
	readonly oneTimeKeys: number;
}

/**
 * Makes a copy of yesterday fit to go on today. What others learned since must not be contradicted:
 *
 * - ids and positions go on far beyond everything that was given out since;
 * - one-time keys go, for who knows which were given out; a fallback key stays, as one that was used, so that its device
 *   brings a new one and can be reached until then;
 * - device lists of our people are announced anew, to partner servers and clients; those of others count as outdated;
 * - tokens that work once or for hours go;
 * - jobs that a process had in hand are free;
 * - whoever did not take what they were owed is tried at once: that they are failing since yesterday nobody knows.
 *
 * Bodies that were being sent stay: they are sent byte for byte under their transaction ids, which a partner that took
 * them knows. The id of a transaction follows from its body, so no id is used for two.
 */
export function revive(db: Database, serverName: string, {madeTs, nowTs}: CopyAge): Revival {
	const jump = JUMP * Math.max(1, Math.ceil((nowTs - madeTs) / DAY_MS));
	return db.transaction(() => {
		db.prepare('update sequence set next = next + ? where id = 1').run(jump);
		db.prepare('update stream_head set pos = pos + ? where id = 1').run(jump);
		const {changes: oneTimeKeys} = db.prepare('delete from one_time_keys').run();
		const shortLived = ['login_tokens', 'oauth_codes', 'oauth_device_codes', 'openid_tokens', 'web_sessions'];
		for (const table of ['one_time_key_uploads', 'claimed_one_time_keys', ...shortLived])
			db.exec(`delete from ${table}`);
		db.exec('update fallback_keys set is_used = 1');
		const {changes: remoteUsers} = db.prepare('update remote_device_lists set is_stale = 1').run();
		db.exec('update jobs set leased_until_ts = null');
		db.prepare(
			'update cursors set failing_since_ts = :nowTs, retry_ts = :nowTs, attempts = 1 where failing_since_ts is not null',
		).run({nowTs});
		announce(db, 'device_list', 'select distinct user_id from device_keys');
		// Counts of one-time keys are told with the answer to a change of them.
		const isOurs = "substr(user_id, instr(user_id, ':') + 1) = ?";
		const localUsers = announce(db, 'device_keys', `select distinct user_id from devices where ${isOurs}`, serverName);
		return {localUsers, remoteUsers, oneTimeKeys};
	})();
}

/** Writes a change for each subject, after everything else; how many they are. */
function announce(db: Database, kind: 'device_list' | 'device_keys', subjects: string, ...params: string[]): number {
	const {changes} = db
		.prepare(
			`insert into stream (pos, kind, room_id, subject, ref, relay, extra)
				select (select pos from stream_head where id = 1) + row_number() over (order by user_id), ?, null, user_id,
				null, 0, null from (${subjects})`,
		)
		.run(kind, ...params);
	db.prepare('update stream_head set pos = pos + ? where id = 1').run(changes);
	return changes;
}
