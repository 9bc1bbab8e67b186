import type {UserId} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import type {Batch, Storage} from '../../storage/index.ts';
import {hasOtherSession} from '../notices/index.ts';
import type {GivenProof} from '../web-sessions/index.ts';
import {type Factors, hasSecondProof} from './policy.ts';

/**
 * By what a new session could be approved. Nothing that a password alone does takes any of it away, so it says as well
 * that somebody is at home: while there is any, the password opens nothing.
 */
export interface Approvers {
	/**
	 * Whether there is anything by which a new session could be approved: a session that sees what its person sees, a
	 * recovery code, or a browser that has shown one. One that waits counts as well: something let it wait.
	 */
	couldApprove(userId: UserId): Promise<boolean>;
	/**
	 * Says whether anything is left by which a session could be approved, once none is left that sees anything.
	 * @param options.takesTold adds to the batch that the codes go that sessions were told, where a password is enough for
	 * their person: anybody who knows it can have codes told, and whoever has signed out reads them no more
	 */
	outliveSessions(batch: Batch, userId: UserId, options: {readonly takesTold: boolean}): Promise<boolean>;
}

/** Makes what knows by what sessions are approved. */
export function createApprovers(
	{storage, clock}: {readonly storage: Storage; readonly clock: Clock},
	find: (userId: UserId) => Promise<Factors>,
): Approvers {
	/** A code that a browser has shown is used up, and the browser approves in its place. */
	async function hasVouchedBrowser(userId: UserId): Promise<boolean> {
		const browsers = await storage.webSessions.listOfUser(userId);
		// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by the web sessions alone
		const hasShown = (proofs: readonly {readonly proof: string}[]) => hasSecondProof(proofs as readonly GivenProof[]);
		return browsers.some(({expiresTs, proofs}) => expiresTs > clock.now() && hasShown(proofs));
	}

	return {
		async couldApprove(userId) {
			const {hasAny, recoveryCodes} = await find(userId);
			if (recoveryCodes > 0 || (await hasOtherSession(storage, userId, undefined))) return true;
			if ((await storage.quarantinedDevices.listOfUser(userId)).length > 0) return true;
			// Who has a factor has shown it to sign in.
			return !hasAny && hasVouchedBrowser(userId);
		},
		async outliveSessions(batch, userId, {takesTold}) {
			const {hasAny, isRequired, recoveryCodes} = await find(userId);
			if (hasAny) return true;
			// Codes without a factor were told to sessions, or made by whoever keeps the server.
			const areEnded = takesTold && !isRequired;
			if (areEnded && recoveryCodes > 0) storage.factors.setRecoveryCodes(batch, userId, []);
			return (recoveryCodes > 0 && !areEnded) || hasVouchedBrowser(userId);
		},
	};
}
