import {encodeBase64Url, hashToken, type RandomBytes, type UserId} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import {ConflictError, type PasskeyChallengeRow, type Storage} from '../../storage/index.ts';
import {wrongPasskey} from './errors.ts';

/** Long enough to fetch a key from another room. */
const LIFETIME_MS = 5 * 60 * 1000;
const CHALLENGE_BYTES = 32;

/** What a challenge is for; an answer to one of another purpose, session or person is none. */
export interface ChallengeBinding {
	readonly purpose: PasskeyChallengeRow['purpose'];
	/** The browser's session, by any text that nobody else has. Only a hash is kept. */
	readonly session: string;
	/** Whose passkey is asked for; `undefined`: anybody's. */
	readonly userId: UserId | undefined;
}

/** What passkeys are to sign: random, once, for minutes. */
export interface PasskeyChallenges {
	/** Makes one, and ends the one before it. */
	issue(binding: ChallengeBinding): Promise<string>;
	/** Gives the challenge that is used up by this, whatever becomes of it. @throws SecondFactorError 'wrong-passkey' */
	use(binding: ChallengeBinding): Promise<string>;
}

/** Makes the store of challenges. */
export function createPasskeyChallenges({
	storage,
	clock,
	random,
}: {
	readonly storage: Storage;
	readonly clock: Clock;
	readonly random: RandomBytes;
}): PasskeyChallenges {
	return {
		async issue(binding) {
			const challenge = encodeBase64Url(random(CHALLENGE_BYTES));
			const batch = storage.batch();
			storage.factors.sweepPasskeyChallenges(batch, clock.now());
			storage.factors.setPasskeyChallenge(batch, {
				session: keyOf(binding),
				purpose: binding.purpose,
				challenge,
				expiresTs: clock.now() + LIFETIME_MS,
			});
			await storage.commit(batch);
			return challenge;
		},
		async use(binding) {
			const found = await storage.factors.findPasskeyChallenge(keyOf(binding), binding.purpose);
			if (found === undefined) throw wrongPasskey();
			const batch = storage.batch();
			storage.factors.usePasskeyChallenge(batch, found);
			await storage.commit(batch).catch((cause: unknown) => {
				throw cause instanceof ConflictError ? wrongPasskey({cause}) : cause;
			});
			if (found.expiresTs <= clock.now()) throw wrongPasskey();
			return found.challenge;
		},
	};
}

function keyOf({session, userId}: ChallengeBinding): string {
	return hashToken(JSON.stringify([session, userId ?? null]));
}
