import type {UserId} from '../../../crypto/index.ts';
import {
	areSame,
	type CheckedStage,
	type Flow,
	isApprovalStage,
	isComplete,
	isStage,
	mayAttempt,
	type Stage,
} from './flows.ts';
import {
	type Credentials,
	isBoundTo,
	SESSION_FAILURES_MAX,
	type SessionBinding,
	type UiaSession,
	type UiaSessions,
} from './sessions.ts';

/** A request's `auth` object: its session and type, and whatever the type asks for. */
export interface AuthData {
	readonly type?: string | undefined;
	readonly session?: string | undefined;
	readonly [key: string]: unknown;
}

/** What a client is told when an operation needs authentication: the body of the specification's 401. */
export interface Challenge {
	readonly session: string;
	readonly flows: readonly Flow[];
	readonly params: Readonly<Record<string, object>>;
	readonly completed?: readonly Stage[];
	readonly errcode?: string;
	readonly error?: string;
}

/** An operation waits for its caller to authenticate; carries the challenge to answer with. */
export class AuthenticationRequired extends Error {
	override name = 'AuthenticationRequired' as const;
	readonly code = 'AUTHENTICATION_REQUIRED' as const;
	readonly challenge: Challenge;
	constructor(challenge: Challenge) {
		super('Expected a completed authentication flow');
		this.challenge = challenge;
	}
}

/** One attempt at one stage. */
export interface StageAttempt {
	readonly auth: AuthData;
	/** Whose account is asked for; `undefined` for a registration. */
	readonly subject: UserId | undefined;
	readonly sessionId: string;
	/** Where the attempt comes from, for rate limits. */
	readonly source: string;
}

/** Passed, with what it proved; or failed, with what the client is told. */
export type StageVerdict =
	| {readonly passed: true; readonly proof: string}
	| {readonly passed: false; readonly errcode: string; readonly error: string};

/** How each stage is checked. A check throws only what ends the request, such as a rate limit. */
export type StageChecks = Readonly<Record<CheckedStage, (attempt: StageAttempt) => Promise<StageVerdict>>>;

/** Gives what an account proves itself by, as the database has it now: another process may have changed it. */
export type FindCredentials = (userId: UserId) => Promise<Credentials>;

/** A request for authentication, as an endpoint makes it. */
export interface UiaRequest {
	/** The operation, by the specification's operationId. */
	readonly purpose: string;
	/** Whose account it is about; `undefined` for a registration. */
	readonly subject: UserId | undefined;
	/** What the operation is done to where that matters, such as the ids of the devices to delete. */
	readonly target?: string;
	readonly flows: readonly Flow[];
	/** What the stages need clients to know, by the session's id; absent: nothing. */
	readonly paramsOf?: (sessionId: string) => Challenge['params'];
	/** The body's `auth`; `undefined` on the first call, which is always answered with a challenge. */
	readonly auth: AuthData | undefined;
	/** Where the request comes from, for rate limits. */
	readonly source: string;
}

/** A completed flow, usable once. */
export interface CompletedAuth {
	readonly session: UiaSession;
}

/**
 * The User-Interactive Authentication API: sessions in memory, bound to operation, account and target.
 * The request's body is never kept; a client sends it again with each stage.
 * @see https://spec.matrix.org/v1.19/client-server-api/#user-interactive-authentication-api
 */
export interface UserInteractiveAuth {
	/**
	 * Resolves once the caller has completed a flow, and consumes it. A session that is unknown, over, bound to something
	 * else, or from before the account's password or factors changed, is replaced by a new one, in which the submitted
	 * stage counts.
	 * @throws {AuthenticationRequired} while anything is missing
	 */
	require(request: UiaRequest): Promise<CompletedAuth>;
	/** Gives a consumed flow back, because what it allowed could not be done for another reason. */
	reopen(completed: CompletedAuth): void;
	/** Attempts a stage out of band, for a fallback page; `undefined` where no open session waits for that stage. */
	attempt(
		sessionId: string,
		attempt: {stage: CheckedStage; auth: AuthData; source: string},
	): Promise<StageVerdict | undefined>;
	/** Whether an open session of this id waits for this stage. */
	isWaitingFor(sessionId: string, stage: string): boolean;
	/** Finds what a session is about that waits for this person's approval on a page; `undefined` where none does. */
	findApprovable(sessionId: string, subject: UserId): string | undefined;
	/** Completes the stage of a session that its person has approved on a page; whether one waited for it. */
	approve(sessionId: string, subject: UserId): boolean;
	/** Whose account an open session of this id is about; `undefined` for a registration, and where there is none. */
	subjectOf(sessionId: string): UserId | undefined;
}

const EXPIRED = {errcode: 'M_FORBIDDEN', error: 'This authentication session is over: please begin again'};
const OUT_OF_ORDER = {errcode: 'M_FORBIDDEN', error: 'Expected the next stage of an offered flow'};

/** Makes the engine from its sessions and the checks of its stages. */
export function createUserInteractiveAuth(
	sessions: UiaSessions,
	checks: StageChecks,
	findCredentials: FindCredentials,
): UserInteractiveAuth {
	const attemptStage = stageAttempter(sessions, checks, findCredentials);
	const opening = createOpening(sessions, findCredentials);

	function findWaiting(sessionId: string, stage: string): UiaSession | undefined {
		const session = sessions.find(sessionId);
		return session !== undefined && isStage(stage) && isNext(session, stage) ? session : undefined;
	}

	function findApprovable(sessionId: string, subject: UserId): UiaSession | undefined {
		const session = sessions.find(sessionId);
		return session?.subject === subject && isNext(session, 'm.oauth') ? session : undefined;
	}

	return {
		async require(request) {
			const binding = {purpose: request.purpose, subject: request.subject, target: request.target ?? ''};
			const {auth} = request;
			const found = auth === undefined ? undefined : await opening.findBound(auth, binding, request.flows);
			const session = found ?? (await opening.open(binding, request));
			if (auth === undefined) {
				throw challengeOf(session);
			}
			const {type} = auth;
			if (type === undefined || isApprovalStage(type)) {
				if (found === undefined) {
					throw challengeOf(session, EXPIRED);
				}
			} else if (!isStage(type)) {
				throw challengeOf(session, OUT_OF_ORDER);
			} else if (!session.completed.has(type)) {
				const verdict = await attemptStage(session, type, auth, request.source);
				if (!verdict.passed) {
					const next = sessions.find(session.id) ?? (await opening.open(binding, request));
					throw challengeOf(next, {errcode: verdict.errcode, error: verdict.error});
				}
			}
			if (!isComplete(session.flows, [...session.completed.keys()])) {
				throw challengeOf(session);
			}
			// Of two requests that completed it together, one has it.
			if (!sessions.close(session)) {
				throw challengeOf(await opening.open(binding, request), EXPIRED);
			}
			return {session};
		},
		reopen: ({session}) => sessions.reopen(session),
		async attempt(sessionId, {stage, auth, source}) {
			const session = findWaiting(sessionId, stage);
			return session === undefined ? undefined : attemptStage(session, stage, auth, source);
		},
		subjectOf: (sessionId) => sessions.find(sessionId)?.subject,
		isWaitingFor: (sessionId, stage) => findWaiting(sessionId, stage) !== undefined,
		findApprovable: (sessionId, subject) => findApprovable(sessionId, subject)?.target,
		approve(sessionId, subject) {
			const session = findApprovable(sessionId, subject);
			session?.completed.set('m.oauth', '');
			return session !== undefined;
		},
	};
}

/** Makes what finds the session that a request names, or opens another one. */
function createOpening(sessions: UiaSessions, findCredentials: FindCredentials) {
	return {
		/** Finds it, where it was opened for just this: what an account must prove may have become more, or another thing. */
		async findBound(auth: AuthData, binding: SessionBinding, flows: readonly Flow[]): Promise<UiaSession | undefined> {
			const session = auth.session === undefined ? undefined : sessions.find(auth.session);
			if (session === undefined || !isBoundTo(session, binding) || !areSame(session.flows, flows)) return undefined;
			return (await stillCounts(session, findCredentials)) ? session : undefined;
		},
		async open(binding: SessionBinding, {flows, paramsOf}: UiaRequest): Promise<UiaSession> {
			const credentials = binding.subject === undefined ? undefined : await findCredentials(binding.subject);
			return sessions.open(binding, flows, {paramsOf, credentials});
		},
	};
}

function stageAttempter(sessions: UiaSessions, checks: StageChecks, findCredentials: FindCredentials) {
	return async (session: UiaSession, stage: CheckedStage, auth: AuthData, source: string): Promise<StageVerdict> => {
		if (!isNext(session, stage)) {
			return {passed: false, ...OUT_OF_ORDER};
		}
		const verdict = await checks[stage]({auth, subject: session.subject, sessionId: session.id, source});
		if (sessions.find(session.id) !== session) {
			return {passed: false, ...EXPIRED};
		}
		if (verdict.passed) {
			// What was right when it was checked may be another password's, or another telephone's, by now.
			if (!(await stillCounts(session, findCredentials))) {
				sessions.close(session);
				return {passed: false, ...EXPIRED};
			}
			// Another attempt at the same stage may have passed while this one was checked; the first counts.
			if (isNext(session, stage)) {
				session.completed.set(stage, verdict.proof);
			}
			return verdict;
		}
		session.failures += 1;
		if (session.failures >= SESSION_FAILURES_MAX) {
			sessions.close(session);
		}
		return verdict;
	};
}

/** Whether what an account proves itself by is what it was when its session was last looked at, codes aside that were used. */
async function stillCounts(session: UiaSession, findCredentials: FindCredentials): Promise<boolean> {
	const {subject, credentials: before} = session;
	if (subject === undefined || before === undefined) return true;
	const now = await findCredentials(subject);
	if (now.mark !== before.mark || now.recoveryCodes > before.recoveryCodes) return false;
	// Of two looks at once, the one that saw fewer codes counts.
	const recoveryCodes = Math.min(now.recoveryCodes, session.credentials?.recoveryCodes ?? now.recoveryCodes);
	session.credentials = {...now, recoveryCodes};
	return true;
}

function isNext(session: UiaSession, stage: Stage): boolean {
	return mayAttempt(session.flows, [...session.completed.keys()], stage);
}

function challengeOf(session: UiaSession, failure?: {errcode: string; error: string}): AuthenticationRequired {
	const completed = [...session.completed.keys()];
	return new AuthenticationRequired({
		...failure,
		...(completed.length > 0 ? {completed} : {}),
		flows: session.flows,
		params: session.params,
		session: session.id,
	});
}
