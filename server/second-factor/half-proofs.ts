import {LRUCache} from 'lru-cache';
import type {UserId} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import type {Storage} from '../../storage/index.ts';
import type {NoticeQueue} from '../notices/index.ts';

/** The wrong code at which an owner is told: people mistype, and have the next one right. */
const WRONG_CODES = 3;
/** So often an owner is told at most: who knows the password has them told of nothing more by trying on. */
const TOLD_EVERY_MS = 24 * 60 * 60 * 1000;
/** People who are remembered, for a day at most. */
const PEOPLE_MAX = 10_000;

/** What telling of half a proof takes. */
export interface HalfProofDependencies {
	readonly storage: Storage;
	readonly clock: Pick<Clock, 'now'>;
	readonly notices: NoticeQueue;
	/** Told of what went wrong where nobody waits for it. */
	readonly onProblem: (problem: Error) => void;
}

/**
 * Tells owners of somebody who knows their password and cannot show their second factor: once a day, by whatever way and
 * however often it is tried.
 */
export interface HalfProofs {
	/** Tells the owner that somebody gave the password and no more. */
	tellOfPassword(userId: UserId): Promise<void>;
	/** The same, without anybody waiting for it: who is answered that the password is wrong must not learn by the time that it is right. */
	tellOfPasswordUnawaited(userId: UserId): void;
	/** Counts a wrong code of somebody who gave the password; the third one in a day is told. */
	noteWrongCode(userId: UserId): Promise<void>;
}

/** Makes it, with the memory of one process. */
export function createHalfProofs({storage, clock, notices, onProblem}: HalfProofDependencies): HalfProofs {
	const told = new LRUCache<UserId, number>({maxSize: PEOPLE_MAX, sizeCalculation: () => 1});
	const wrong = new LRUCache<UserId, {readonly sinceTs: number; readonly count: number}>({
		maxSize: PEOPLE_MAX,
		sizeCalculation: () => 1,
	});
	const isOfToday = (ts: number | undefined): boolean => ts !== undefined && clock.now() - ts < TOLD_EVERY_MS;

	async function tellOfPassword(userId: UserId): Promise<void> {
		if (isOfToday(told.get(userId))) return;
		told.set(userId, clock.now());
		const batch = storage.batch();
		notices.add(batch, userId, {kind: 'password-known'});
		if (!batch.isEmpty) await storage.commit(batch);
	}

	return {
		tellOfPassword,
		tellOfPasswordUnawaited(userId) {
			tellOfPassword(userId).catch(onProblem);
		},
		async noteWrongCode(userId) {
			const known = wrong.get(userId);
			const before = known !== undefined && isOfToday(known.sinceTs) ? known : {sinceTs: clock.now(), count: 0};
			const count = before.count + 1;
			wrong.set(userId, {...before, count});
			if (count >= WRONG_CODES) await tellOfPassword(userId);
		},
	};
}
