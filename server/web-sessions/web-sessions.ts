import {hashToken, isToken, newToken, type RandomBytes, type UserId} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import {
	type Batch,
	ConflictError,
	type GivenProof as GivenProofRow,
	type Storage,
	type UpstreamSession,
	type WebSessionRow,
} from '../../storage/index.ts';
import type {NoticeQueue} from '../notices/index.ts';

/** The kind of the background job that looks whether a sign-in that was begun with a password was given up; its key is the session's. */
export const HALF_SIGN_IN = 'tell-half-sign-in';

/** How somebody can show a browser who they are. */
export type Proof = 'password' | 'passkey' | 'totp' | 'recovery-code' | 'upstream' | 'source-link';

/** A proof, and when it was given. */
export interface GivenProof extends GivenProofRow {
	readonly proof: Proof;
}

/** Says which proofs are enough for whom. */
export interface ProofPolicy {
	/** Lists the proofs of which one is still missing; empty: those that were given are enough. */
	listMissing(userId: UserId, given: readonly GivenProof[]): Promise<readonly Proof[]>;
	/** Whether the account must have a second factor, has none, and nothing else is missing. */
	mustSetUp(userId: UserId, given: readonly GivenProof[]): Promise<boolean>;
	/** Whether new sessions wait, and somebody has shown so little that a browser would have to wait as well. */
	wantsVouching(userId: UserId, given: readonly GivenProof[]): Promise<boolean>;
	/** Lists the proofs by which somebody who is signed in shows once more that it is they. */
	listRenewing(userId: UserId): Promise<readonly Proof[]>;
}

/** Who begins has as long to find a telephone or a key. */
const BEGUN_LIFETIME_MS = 15 * 60 * 1000;
/** So long a session that has ended is still there: who has begun one and gave up is told of. */
const ENDED_KEPT_MS = 60 * 60 * 1000;
/** A working day; nobody finds the browser signed in on the next one. */
const SIGNED_IN_LIFETIME_MS = 12 * 60 * 60 * 1000;
/** Nobody has so many browsers at a time; who opens more has those signed out that would end first. */
const SESSIONS_MAX = 100;

/** So long after the last proof somebody may do what their account hangs on. */
const RECENT_MS = 10 * 60 * 1000;

/** A browser as it is known by its cookie. */
export interface WebSession {
	/** What it is known by in the database. */
	readonly tokenHash: string;
	/** What shows that a form is this browser's own; only who has its cookie can tell it. */
	readonly csrf: string;
	/** Whose proofs were given; absent: none were, or the account may not be used. */
	readonly userId: UserId | undefined;
	/** In the order in which they were given. */
	readonly proofs: readonly GivenProof[];
	/** The other service that has vouched for the person; absent: they have shown by themselves who they are. */
	readonly upstream: UpstreamSession | undefined;
	/** The proofs of which one is still missing. */
	readonly missing: readonly Proof[];
	/** Whether the person sets up a second factor before anything else. */
	readonly mustSetUp: boolean;
	/** Whether the person is signed in: the proofs are enough for the account. */
	readonly isSignedIn: boolean;
	/** Whether the person is signed in by so little that nothing of the account is shown or changed yet. */
	readonly wantsVouching: boolean;
	/** The proofs of which one makes the session recent. */
	readonly renewing: readonly Proof[];
	/** Whether the person is signed in and has given one of these proofs in the last ten minutes. */
	readonly isRecent: boolean;
	/**
	 * The same, where the word of another service counts from when that service has asked the person: it may know them from
	 * the morning. Who comes by it is let in, and shows once more who they are before they change what an account hangs on.
	 */
	readonly isFresh: boolean;
	/** Where the person goes when they are signed in: a path of our own, with its query. */
	readonly returnTo: string | undefined;
	/** A token that the browser does not have yet and is to be given. */
	readonly newToken: string | undefined;
}

/** What web sessions are built from. */
export interface WebSessionsDependencies {
	readonly storage: Storage;
	readonly policy: ProofPolicy;
	/** Where it is said that somebody has signed in. */
	readonly notices: NoticeQueue;
	readonly clock: Clock;
	readonly random: RandomBytes;
}

/**
 * Browsers in which people see our own pages. A browser is known by a token in a cookie; the database has a row, with the
 * token's hash, only of those that have given a proof.
 */
export interface WebSessions {
	/** Gives the session of a cookie's token; where there is none, that of a browser nobody is known in, with a new token. */
	find(token: string | undefined): Promise<WebSession>;
	/**
	 * Notes a proof, and gives the session as it is then, under a new token: whoever knew the old one has nothing. Proofs
	 * of another person are dropped, and so are all where the session has ended since it was looked at.
	 * @param options.returnTo a path of our own; absent: as before
	 */
	prove(
		session: WebSession,
		userId: UserId,
		proof: Proof,
		options?: {readonly returnTo?: string | undefined} & Pick<GivenProof, 'upstream' | 'askedTs' | 'isWhole'>,
	): Promise<WebSession>;
	/** Whether somebody is signed in at a browser and has shown there in the last ten minutes that it is they. */
	hasRecent(userId: UserId): Promise<boolean>;
	/** Finds whose password was given in a session that has ended without all proofs; `undefined`: it went on, or was another one. */
	findGivenUp(tokenHash: string, nowMs: number): Promise<UserId | undefined>;
	/** Ends a session, and gives that of a browser nobody is known in. */
	end(session: WebSession): Promise<WebSession>;
}

/** Makes the web sessions. */
export function createWebSessions({storage, policy, notices, clock, random}: WebSessionsDependencies): WebSessions {
	async function view(token: string, row: WebSessionRow | undefined, isNew: boolean): Promise<WebSession> {
		const account = row === undefined ? undefined : await storage.accounts.find(row.userId);
		const isUsable = account !== undefined && !account.isDeactivated && !account.isLocked;
		const userId = isUsable ? account.userId : undefined;
		// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by `prove` alone
		const proofs = row === undefined || !isUsable ? [] : (row.proofs as readonly GivenProof[]);
		const missing = userId === undefined ? [] : await policy.listMissing(userId, proofs);
		const renewing = userId === undefined ? [] : await policy.listRenewing(userId);
		const isSignedIn = userId !== undefined && missing.length === 0;
		const isShown = (tsOf: (given: GivenProof) => number): boolean =>
			isSignedIn && proofs.some((given) => renews(given.proof, renewing) && isLately(given, tsOf(given), clock.now()));
		return {
			tokenHash: hashToken(token),
			csrf: hashToken(`csrf ${token}`),
			userId,
			proofs,
			upstream: proofs.find(({upstream}) => upstream !== undefined)?.upstream,
			missing,
			isSignedIn,
			renewing,
			wantsVouching: isSignedIn && (await policy.wantsVouching(userId, proofs)),
			mustSetUp: userId !== undefined && !isSignedIn && (await policy.mustSetUp(userId, proofs)),
			isRecent: isShown(({atTs}) => atTs),
			isFresh: isShown(askedTsOf),
			returnTo: row?.returnTo ?? undefined,
			newToken: isNew ? token : undefined,
		};
	}

	const anonymous = (): Promise<WebSession> => view(newToken('web', random), undefined, true);

	return {
		async find(token) {
			// What has not the form of a token costs no look into the database.
			if (token === undefined || !isToken(token, 'web')) return anonymous();
			const row = await storage.webSessions.find(hashToken(token));
			return view(token, row !== undefined && row.expiresTs > clock.now() ? row : undefined, false);
		},
		prove: createProve({storage, policy, notices, clock, random}, view),
		async hasRecent(userId) {
			const rows = await storage.webSessions.listOfUser(userId);
			for (const row of rows.filter(({expiresTs}) => expiresTs > clock.now())) {
				const {isFresh, wantsVouching} = await view('', row, false);
				if (isFresh && !wantsVouching) return true;
			}
			return false;
		},
		async findGivenUp(tokenHash, nowMs) {
			const row = await storage.webSessions.find(tokenHash);
			return row !== undefined && row.expiresTs <= nowMs ? row.userId : undefined;
		},
		async end(session) {
			const batch = storage.batch();
			storage.webSessions.remove(batch, session.tokenHash);
			await storage.commit(batch);
			return anonymous();
		},
	};
}

/** Makes what notes a proof; see `WebSessions.prove`. */
function createProve(
	{storage, policy, notices, clock, random}: WebSessionsDependencies,
	view: (token: string, row: WebSessionRow, isNew: boolean) => Promise<WebSession>,
): WebSessions['prove'] {
	async function makeRoom(batch: Batch, userId: UserId): Promise<void> {
		const sessions = await storage.webSessions.listOfUser(userId);
		for (const {tokenHash} of sessions.slice(0, Math.max(0, sessions.length + 1 - SESSIONS_MAX))) {
			storage.webSessions.remove(batch, tokenHash);
		}
	}

	async function prove(
		...[session, userId, proof, {returnTo = session.returnTo, ...more} = {}]: Parameters<WebSessions['prove']>
	): Promise<WebSession> {
		const token = newToken('web', random);
		const nowMs = clock.now();
		const earlier = session.userId === userId ? session.proofs : [];
		const proofs = [...earlier.filter((given) => given.proof !== proof), {proof, atTs: nowMs, ...more}];
		const isEnough = (await policy.listMissing(userId, proofs)).length === 0;
		const row = {
			tokenHash: hashToken(token),
			userId,
			proofs,
			returnTo: returnTo ?? null,
			expiresTs: nowMs + (isEnough ? SIGNED_IN_LIFETIME_MS : BEGUN_LIFETIME_MS),
		};
		const batch = storage.batch();
		// What was shown before counts only as long as the session in which it was shown.
		if (earlier.length > 0) storage.webSessions.take(batch, session.tokenHash);
		else storage.webSessions.remove(batch, session.tokenHash);
		storage.webSessions.sweep(batch, nowMs - ENDED_KEPT_MS);
		await makeRoom(batch, userId);
		storage.webSessions.add(batch, row);
		if (proof === 'password' && !isEnough && !(await policy.mustSetUp(userId, proofs))) {
			const job = {kind: HALF_SIGN_IN, key: row.tokenHash, payload: {user_id: userId}, dueTs: row.expiresTs};
			storage.jobs.add(batch, job);
		}
		const wasSignedIn = session.userId === userId && session.isSignedIn;
		if (isEnough && !wasSignedIn) notices.add(batch, userId, {kind: 'browser-sign-in'});
		try {
			await storage.commit(batch);
		} catch (error) {
			if (!(error instanceof ConflictError) || error.condition !== 'web_session') throw error;
			return prove({...session, userId: undefined, proofs: []}, userId, proof, {returnTo, ...more});
		}
		return view(token, row, true);
	}
	return prove;
}

/** A recovery code shows who somebody is also when it was their last one. */
function renews(proof: Proof, renewing: readonly Proof[]): boolean {
	return renewing.includes(proof) || proof === 'recovery-code';
}

/** A source link cannot be shown once more, and stays as good as it was as long as the browser's session. */
function isLately({proof}: GivenProof, ts: number, nowMs: number): boolean {
	return proof === 'source-link' || ts > nowMs - RECENT_MS;
}

/** When somebody was asked for a proof. A service that does not say so may have asked long ago. */
function askedTsOf({proof, atTs, askedTs}: GivenProof): number {
	return proof === 'upstream' ? Math.min(askedTs ?? 0, atTs) : atTs;
}
