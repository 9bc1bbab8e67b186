import {LRUCache} from 'lru-cache';
import type {UserId} from '../../crypto/index.ts';
import type {CommittedChange, Session} from '../../storage/index.ts';

/** Sessions kept in memory; one takes about half a kilobyte. */
const SESSIONS_MAX = 50_000;

/**
 * The sessions that were used lately, by their token's hash: a function of the stream, which tells of every session
 * that ended and every account whose states changed.
 */
export interface SessionCache {
	get(tokenHash: string): Session | undefined;
	/** Notes that a read begins; what it finds is kept only if nothing was dropped meanwhile. */
	beginRead(): (session: Session) => void;
	/** Drops what the changes say has ended. */
	apply(changes: readonly CommittedChange[]): void;
}

/** Makes an empty cache. */
export function createSessionCache(): SessionCache {
	const hashesOfUser = new Map<UserId, Set<string>>();
	let drops = 0;
	const sessions = new LRUCache<string, Session>({
		maxSize: SESSIONS_MAX,
		sizeCalculation: () => 1,
		dispose(session, tokenHash, reason) {
			// A session set again is still that user's.
			if (reason === 'set') {
				return;
			}
			const hashes = hashesOfUser.get(session.userId);
			hashes?.delete(tokenHash);
			if (hashes?.size === 0) {
				hashesOfUser.delete(session.userId);
			}
		},
	});

	function drop(subject: string, deviceIds: readonly unknown[] | undefined): void {
		drops += 1;
		// The subject is the user's id as the change's writer had it: a key of the map, or nobody's.
		for (const tokenHash of hashesOfUser.get(subject as UserId) ?? []) {
			const session = sessions.peek(tokenHash);
			if (session !== undefined && (deviceIds === undefined || deviceIds.includes(session.deviceId))) {
				sessions.delete(tokenHash);
			}
		}
	}

	return {
		get: (tokenHash) => sessions.get(tokenHash),
		beginRead() {
			const dropsBefore = drops;
			return (session) => {
				if (drops !== dropsBefore) {
					return;
				}
				const hashes = hashesOfUser.get(session.userId) ?? new Set();
				hashesOfUser.set(session.userId, hashes.add(session.tokenHash));
				sessions.set(session.tokenHash, session);
			};
		},
		apply(changes) {
			for (const {kind, subject, extra} of changes) {
				if (subject === undefined || (kind !== 'device' && kind !== 'account')) {
					continue;
				}
				const deviceIds = kind === 'device' ? extra?.['device_ids'] : undefined;
				drop(subject, Array.isArray(deviceIds) ? deviceIds : undefined);
			}
		},
	};
}
