import type {UserId} from '../../../crypto/index.ts';
import type {Flow, Stage} from './flows.ts';

/** How long a session may be completed: long enough to find a password, short enough that a lost page is worthless. */
export const SESSION_LIFETIME_MS = 15 * 60 * 1000;

/** Failed attempts after which a session is closed and its client begins anew. */
export const SESSION_FAILURES_MAX = 10;

/** Sessions kept for people without an account, and for those with one: a flood of the first never evicts the second. */
const SESSIONS_MAX = {anonymous: 10_000, user: 10_000};

/** What a session proves, and to whom: a session opened for one binding is unknown to every other. */
export interface SessionBinding {
	/** The operation, by the specification's operationId. */
	readonly purpose: string;
	/** Whose account it is about; `undefined` for a registration. */
	readonly subject: UserId | undefined;
	/** What the operation is done to where that matters, such as the ids of the devices to delete. */
	readonly target: string;
}

/** What an account proves itself by. Nothing of it can be used: it only tells one time from another. */
export interface Credentials {
	/** Another text as soon as a password or a factor was set, added or removed, and where the account has ended. */
	readonly mark: string;
	/** How many are left: fewer when one is used, and more only where there are new ones. */
	readonly recoveryCodes: number;
}

/** A session as it stands; it never holds a password, and of a registration token only its hash. */
export interface UiaSession extends SessionBinding {
	readonly id: string;
	readonly flows: readonly Flow[];
	/** What the client must know for its stages. */
	readonly params: Readonly<Record<string, object>>;
	readonly expiresAtMs: number;
	/** Of the account, when it was last looked at; `undefined` for a registration. */
	credentials: Credentials | undefined;
	/** The completed stages in their order, each with what it proved (a token's hash; else an empty text). */
	readonly completed: Map<Stage, string>;
	/** Failed attempts so far. */
	failures: number;
}

/** The open sessions of this process, bounded in number and time. */
export interface UiaSessions {
	/** Opens a session, closing the oldest of its kind where there are too many. */
	open(
		binding: SessionBinding,
		flows: readonly Flow[],
		more?: {
			readonly paramsOf?: ((sessionId: string) => UiaSession['params']) | undefined;
			readonly credentials?: Credentials | undefined;
		},
	): UiaSession;
	/** The session of this id, or `undefined` where it is unknown or over. */
	find(id: string): UiaSession | undefined;
	/** Closes a session, because it is consumed or failed too often; `false` where it was closed already. */
	close(session: UiaSession): boolean;
	/** Opens a consumed session again, because what it allowed could not be done. */
	reopen(session: UiaSession): void;
}

/** Whether a session was opened for exactly this binding. */
export function isBoundTo(session: UiaSession, binding: SessionBinding): boolean {
	return (
		session.purpose === binding.purpose && session.subject === binding.subject && session.target === binding.target
	);
}

/** Makes the store of sessions. `createId` gives an id that cannot be guessed. */
export function createUiaSessions(now: () => number, createId: () => string): UiaSessions {
	const pools = {anonymous: new Map<string, UiaSession>(), user: new Map<string, UiaSession>()};

	// All sessions live equally long, so a pool in order of opening is in order of expiry too.
	function insert(session: UiaSession): void {
		const pool = pools[kindOf(session)];
		const nowMs = now();
		for (const oldest of pool.values()) {
			if (oldest.expiresAtMs > nowMs && pool.size < SESSIONS_MAX[kindOf(session)]) {
				break;
			}
			pool.delete(oldest.id);
		}
		pool.set(session.id, session);
	}

	return {
		open(binding, flows, {paramsOf = () => ({}), credentials} = {}) {
			const id = createId();
			const session: UiaSession = {
				purpose: binding.purpose,
				subject: binding.subject,
				target: binding.target,
				id,
				flows,
				params: paramsOf(id),
				expiresAtMs: now() + SESSION_LIFETIME_MS,
				credentials,
				completed: new Map(),
				failures: 0,
			};
			insert(session);
			return session;
		},
		find(id) {
			const session = pools.user.get(id) ?? pools.anonymous.get(id);
			return session !== undefined && session.expiresAtMs > now() ? session : undefined;
		},
		close: (session) => pools[kindOf(session)].delete(session.id),
		reopen: insert,
	};
}

function kindOf(session: SessionBinding): keyof typeof SESSIONS_MAX {
	return session.subject === undefined ? 'anonymous' : 'user';
}
