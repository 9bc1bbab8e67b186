import type {FactorCounts} from '../../storage/index.ts';
import type {GivenProof, Proof} from '../web-sessions/index.ts';

/** Who must have a second factor. */
export type SecondFactorPolicy = 'optional' | 'administrators' | 'everybody';

/** What an account has to prove itself with, beside a password. */
export interface Factors extends FactorCounts {
	/** Whether there is one that is asked for: recovery codes alone are none. */
	readonly hasAny: boolean;
	/** Whether the policy wants this account to have one. */
	readonly isRequired: boolean;
}

/** What proofs are worth for an account. */
export type ProofVerdict =
	| {readonly verdict: 'enough'}
	/** Nothing yet says whose account it is. */
	| {readonly verdict: 'first-proof-missing'}
	/** The account has a second factor, and none was proven. */
	| {readonly verdict: 'factor-missing'; readonly factors: Factors}
	/** The account must have a second factor and has none: it sets one up before anything else. */
	| {readonly verdict: 'set-up-missing'}
	/** So it is, and the account is in use: whoever knows its password alone sets up nothing. */
	| {readonly verdict: 'vouching-missing'};

const firstProofs: readonly Proof[] = ['password', 'upstream', 'passkey', 'source-link'];
const secondProofs: readonly Proof[] = ['totp', 'recovery-code', 'passkey'];

/**
 * Says whether proofs are enough for an account. A passkey is two factors in one: the device, and what its owner unlocked
 * it with, which is always asked for.
 */
export function judgeProofs(factors: Factors, given: readonly GivenProof[]): ProofVerdict {
	if (!given.some(({proof}) => firstProofs.includes(proof))) return {verdict: 'first-proof-missing'};
	// A service that asks for a second factor itself need not be doubled.
	if (given.some(({isWhole}) => isWhole === true)) return {verdict: 'enough'};
	if (!factors.hasAny) return {verdict: factors.isRequired ? 'set-up-missing' : 'enough'};
	return hasSecondProof(given) ? {verdict: 'enough'} : {verdict: 'factor-missing', factors};
}

/** Whether somebody has shown what only a holder of a factor has, or who was vouched for. */
export function hasSecondProof(given: readonly GivenProof[]): boolean {
	return given.some(({proof}) => secondProofs.includes(proof));
}

/** Whether nothing was shown but a password, or the word of a service that asked for no more. */
export function isPasswordAlone(given: readonly GivenProof[]): boolean {
	return !hasSecondProof(given) && !given.some(({isWhole}) => isWhole === true);
}

/** Lists the proofs of which one is still missing; empty: those that were given are enough. */
export function listMissing(factors: Factors, {verdict}: ProofVerdict): readonly Proof[] {
	if (verdict === 'enough') return [];
	if (verdict === 'first-proof-missing') return firstProofs;
	if (verdict === 'vouching-missing') return ['recovery-code'];
	// What must be set up is proven by that.
	return verdict === 'set-up-missing' ? ['totp', 'passkey'] : listHeld(factors);
}

/** Lists the proofs by which somebody who is signed in shows once more that it is they: a factor, where there is one. */
export function listRenewing(factors: Factors): readonly Proof[] {
	return factors.hasAny ? listHeld(factors) : firstProofs;
}

function listHeld({hasTotp, recoveryCodes, passkeys}: Factors): readonly Proof[] {
	const held = {totp: hasTotp, 'recovery-code': recoveryCodes > 0, passkey: passkeys > 0};
	return secondProofs.filter((proof) => held[proof as keyof typeof held]);
}
