import {
	findSignedMessage,
	isKeyId,
	listSignatureKeyIds,
	type ServerName,
	type SignedMessage,
	verifyMany,
} from '../../crypto/index.ts';
import {type SignatureChecker, UNKNOWN_KEY, UNOBTAINABLE_KEY} from '../engine/index.ts';
import {type Pdu, POLICY_KEY_ID, roomVersion, signaturesRequired, signedForm, type Verdict} from '../rooms/index.ts';
import type {Keyring} from './keyring.ts';

/** A server signs an event with one key, two while it changes it; more are not looked at. */
const SIGNATURES_MAX = 4;

/** Stands for the key until it was found. */
const NO_KEY = new Uint8Array(0);

const ALLOWED: Verdict = {allowed: true};

/** Verifies several signatures; the answers are in the order of the messages. */
export type VerifyMany = (messages: readonly SignedMessage[]) => Promise<boolean[]>;

/** Servers that this one does not speak with: if nobody else gives their keys, no waiting brings them. */
export interface Strangers {
	has(server: ServerName): boolean;
	/** Told of one whose event cannot be judged. */
	note(server: ServerName): void;
}

const NO_STRANGERS: Strangers = {has: () => false, note: () => undefined};

/**
 * Gives the check of events' signatures: each server that must have signed an event has, with a key that the keyring has
 * for the time of the event. Events given at the same time are verified together, on all cores unless `verify` says
 * otherwise: whoever needs the same order of things in every run verifies in this thread.
 * @see https://spec.matrix.org/v1.19/server-server-api/#validating-hashes-and-signatures-on-received-events
 */
export function createSignatureChecker(
	keyring: Pick<Keyring, 'findVerifyKey'>,
	verify: VerifyMany = verifyMany,
	strangers: Strangers = NO_STRANGERS,
): SignatureChecker {
	return {
		async check(pdu) {
			const servers = signaturesRequired(pdu);
			const verdicts = await Promise.all(
				servers.map(async (server) =>
					withoutHope(strangers, server, await checkServerSignature(keyring, pdu, server, verify)),
				),
			);
			return verdicts.find(({allowed}) => !allowed) ?? ALLOWED;
		},
	};
}

/** Says of a key that cannot be had whether it may come yet. */
function withoutHope(strangers: Strangers, server: ServerName, verdict: Verdict): Verdict {
	if (verdict.allowed || verdict.rule !== UNKNOWN_KEY || !strangers.has(server)) return verdict;
	strangers.note(server);
	return {...verdict, rule: UNOBTAINABLE_KEY};
}

/** Says whether one server has signed an event, with a key that was valid at the event's time. */
export async function checkServerSignature(
	keyring: Pick<Keyring, 'findVerifyKey'>,
	pdu: Pdu,
	server: ServerName,
	verify: VerifyMany = verifyMany,
): Promise<Verdict> {
	const validAt = roomVersion(pdu.roomVersion).enforcesKeyValidity ? pdu.originServerTs : 'any';
	// What a policy server recommends is not what the same server has sent: that key is the room's, and not in its document.
	const keyIds = listSignatureKeyIds(pdu.json, server)
		.filter((keyId) => keyId !== POLICY_KEY_ID)
		.slice(0, SIGNATURES_MAX);
	const signed = {...signedForm(pdu.roomVersion, pdu.json), signatures: pdu.signatures};
	// What is no signature in form needs no key, and no key that comes later makes it one.
	const forms = keyIds.flatMap((keyId) => {
		const form = isKeyId(keyId) ? findSignedMessage(signed, server, keyId, NO_KEY) : undefined;
		return form ? [{keyId, form}] : [];
	});
	if (forms.length === 0) return refuse(server, 'carries no signature of');
	const messages = await Promise.all(
		forms.map(async ({keyId, form}) => {
			const publicKey = await keyring.findVerifyKey({server, keyId, validAt});
			return publicKey && {...form, publicKey};
		}),
	);
	const known = messages.filter((message) => message !== undefined);
	if (known.length === 0) return refuse(server, 'is signed with no key that is known and valid of', UNKNOWN_KEY);
	return (await verify(known)).includes(true) ? ALLOWED : refuse(server, 'carries no right signature of');
}

function refuse(server: ServerName, what: string, rule = ''): Verdict {
	return {allowed: false, rule, reason: `The event ${what} ${server}`};
}
