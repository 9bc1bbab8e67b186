import {
	findSignedMessage,
	isKeyId,
	listSignatureKeyIds,
	type ServerName,
	type SignedMessage,
	verifyMany,
} from '../../crypto/index.ts';
import {type SignatureChecker, UNKNOWN_KEY} from '../engine/index.ts';
import {type Pdu, roomVersion, signaturesRequired, signedForm, type Verdict} from '../rooms/index.ts';
import type {Keyring} from './keyring.ts';

/** A server signs an event with one key, two while it changes it; more are not looked at. */
const SIGNATURES_MAX = 4;

/** Stands for the key until it was found. */
const NO_KEY = new Uint8Array(0);

const ALLOWED: Verdict = {allowed: true};

/** Verifies several signatures; the answers are in the order of the messages. */
export type VerifyMany = (messages: readonly SignedMessage[]) => Promise<boolean[]>;

/**
 * Gives the check of events' signatures: each server that must have signed an event has, with a key that the keyring has
 * for the time of the event. Events given at the same time are verified together, on all cores unless `verify` says
 * otherwise: whoever needs the same order of things in every run verifies in this thread.
 * @see https://spec.matrix.org/v1.19/server-server-api/#validating-hashes-and-signatures-on-received-events
 */
export function createSignatureChecker(
	keyring: Pick<Keyring, 'findVerifyKey'>,
	verify: VerifyMany = verifyMany,
): SignatureChecker {
	return {
		async check(pdu) {
			const servers = signaturesRequired(pdu);
			const verdicts = await Promise.all(servers.map((server) => checkServerSignature(keyring, pdu, server, verify)));
			return verdicts.find(({allowed}) => !allowed) ?? ALLOWED;
		},
	};
}

/** Says whether one server has signed an event, with a key that was valid at the event's time. */
export async function checkServerSignature(
	keyring: Pick<Keyring, 'findVerifyKey'>,
	pdu: Pdu,
	server: ServerName,
	verify: VerifyMany = verifyMany,
): Promise<Verdict> {
	const validAt = roomVersion(pdu.roomVersion).enforcesKeyValidity ? pdu.originServerTs : 'any';
	const keyIds = listSignatureKeyIds(pdu.json, server).slice(0, SIGNATURES_MAX);
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
