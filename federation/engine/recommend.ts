import type {ServerName, SignedMessage} from '../../crypto/index.ts';
import {
	findRecommendation,
	isForPolicyServer,
	type Pdu,
	type PolicyServer,
	policyServerOf,
	withRecommendation,
} from '../rooms/index.ts';
import type {Head} from './draft.ts';
import {EngineError} from './errors.ts';

/** Why a policy server does not recommend an event, in its own words: they are for whoever wants to send it. */
export interface PolicyRefusal {
	readonly status: number;
	readonly errcode: string;
	readonly error: string;
	readonly retryAfterMs?: number | undefined;
}

/** What a policy server says of an event: its signature, or why there is none. */
export type PolicyAnswer = {readonly signature: string} | {readonly refusal: PolicyRefusal};

/** Asks policy servers. Never fails: a server that does not answer recommends nothing. */
export interface PolicyServers {
	ask(server: ServerName, pdu: Pdu): Promise<PolicyAnswer>;
}

/** What recommending needs of the engine. */
export interface RecommendContext {
	/** Absent: no policy server is asked, and what it has not signed yet is not recommended. */
	readonly policyServers?: PolicyServers | undefined;
	readonly verifySignature: (message: SignedMessage) => boolean;
}

/** The entry of the state that names a room's policy server. */
export const POLICY_KEY = {type: 'm.room.policy', stateKey: ''} as const;

const NO_SIGNATURE: PolicyRefusal = {
	status: 403,
	errcode: 'M_FORBIDDEN',
	error: 'The policy server of the room gave no signature that is its own',
};

/**
 * Gives the policy server that an event needs on a head whose {@link POLICY_KEY} is loaded: the one that the state names,
 * while somebody of it is in the room. @throws NotLoaded
 */
export function findPolicyServer(head: Head, event: Pick<Pdu, 'type' | 'stateKey'>): PolicyServer | undefined {
	return inUse(head, event, head.state.lookup(POLICY_KEY.type, POLICY_KEY.stateKey));
}

/** The same, reading that entry where needed. */
export async function readPolicyServer(
	head: Head,
	event: Pick<Pdu, 'type' | 'stateKey'>,
): Promise<PolicyServer | undefined> {
	return inUse(head, event, await head.state.find(POLICY_KEY.type, POLICY_KEY.stateKey));
}

function inUse(head: Head, event: Pick<Pdu, 'type' | 'stateKey'>, named: Pdu | undefined): PolicyServer | undefined {
	const policy = isForPolicyServer(event) ? policyServerOf(named) : undefined;
	return policy && head.joined?.has(policy.name) === true ? policy : undefined;
}

/** An event with the recommendation that it needs, or why it has none. */
export type Recommended =
	| {readonly pdu: Pdu; readonly refusal?: undefined}
	| {readonly pdu: Pdu; readonly refusal: PolicyRefusal};

/**
 * Sees to it that an event is recommended by the policy server of its room, if that has one: by the signature that it
 * carries, or by one that is asked for.
 * @see https://spec.matrix.org/v1.19/server-server-api/#validating-policy-server-signatures
 */
export async function recommend(context: RecommendContext, head: Head, pdu: Pdu): Promise<Recommended> {
	const policy = await readPolicyServer(head, pdu);
	if (!policy || isRecommended(context, pdu, policy)) return {pdu};
	// Without a key that could be right no answer could be.
	const answer = policy.publicKey && (await context.policyServers?.ask(policy.name, pdu));
	if (!answer) return {pdu, refusal: NO_SIGNATURE};
	if ('refusal' in answer) return {pdu, refusal: answer.refusal};
	const signed = withRecommendation(pdu, policy.name, answer.signature);
	return isRecommended(context, signed, policy) ? {pdu: signed} : {pdu, refusal: NO_SIGNATURE};
}

/** Whether an event carries what its room's policy server has to say, if there is one. */
export async function isRecommendedOn(context: RecommendContext, head: Head, pdu: Pdu): Promise<boolean> {
	const policy = await readPolicyServer(head, pdu);
	return !policy || isRecommended(context, pdu, policy);
}

/** Gives an event of this server as its policy server has signed it; without, it is not sent. @throws EngineError('not_recommended') */
export async function mustBeRecommended(context: RecommendContext, head: Head, pdu: Pdu): Promise<Pdu> {
	const {pdu: signed, refusal} = await recommend(context, head, pdu);
	if (refusal) throw new EngineError('not_recommended', refusal.error, {refusal});
	return signed;
}

function isRecommended({verifySignature}: RecommendContext, pdu: Pdu, policy: PolicyServer): boolean {
	const message = findRecommendation(pdu, policy);
	return message !== undefined && verifySignature(message);
}
