import {
	CanonicalJsonError,
	canonicalJsonBytes,
	decodeBase64,
	decodeBase64Url,
	type JsonObject,
	type JsonValue,
} from '../../../crypto/index.ts';
import {isJsonObject} from '../json-object.ts';
import {membershipIn} from '../membership.ts';
import type {Pdu, Verdict} from '../pdu.ts';
import type {MemberCheck, VerifySignature} from './auth-check.ts';
import {allowed, refuse} from './verdict.ts';

/**
 * How many pairs of key and signature are tried. An honest invite has one key or two and one signature; 64 KiB of
 * hostile ones would cost seconds.
 */
const attemptsMax = 256;

/** Rule 5.4.1: an invite with `third_party_invite` in its content. */
export function checkInviteOfThirdParty(check: MemberCheck): Verdict {
	const {event, numbers, target, state, context} = check;
	const rule = `${numbers.invite}.1`;
	// 5.4.1.1: If target user is banned, reject.
	if (membershipIn(state, target) === 'ban') return refuse(`${rule}.1`, 'the invited user is banned');
	// 5.4.1.2: If content.third_party_invite does not have a signed property, reject.
	const invite = event.content['third_party_invite'];
	const signed = isJsonObject(invite) ? invite['signed'] : undefined;
	if (!isJsonObject(signed)) return refuse(`${rule}.2`, 'the third-party invite is not signed');
	// 5.4.1.3: If signed does not have mxid and token properties, reject.
	const {mxid, token} = signed;
	if (typeof mxid !== 'string' || typeof token !== 'string') {
		return refuse(`${rule}.3`, 'what is signed has no mxid or no token');
	}
	// 5.4.1.4: If mxid does not match state_key, reject.
	if (mxid !== target) return refuse(`${rule}.4`, 'the signed invite is for another user');
	// 5.4.1.5: If there is no m.room.third_party_invite event in the current room state with state_key matching token,
	// reject.
	const offer = state('m.room.third_party_invite', token);
	if (offer === undefined) return refuse(`${rule}.5`, 'the room has no such third-party invite');
	// 5.4.1.6: If sender does not match sender of the m.room.third_party_invite, reject.
	if (event.sender !== offer.sender) return refuse(`${rule}.6`, 'the third-party invite is of another sender');
	// 5.4.1.7: If any signature in signed matches any public key in the m.room.third_party_invite event, allow.
	if (isSignedByAnyKey(signed, listPublicKeys(offer), context.verifySignature)) return allowed;
	// 5.4.1.8: Otherwise, reject.
	return refuse(`${rule}.8`, 'no signature matches a key of the third-party invite');
}

function isSignedByAnyKey(signed: JsonObject, publicKeys: Uint8Array[], verifySignature: VerifySignature): boolean {
	const message = signedBytes(signed);
	if (message === undefined) return false;
	let attempts = 0;
	for (const signature of listSignatures(signed['signatures'])) {
		for (const publicKey of publicKeys) {
			attempts += 1;
			if (attempts > attemptsMax) return false;
			if (verifySignature({message, signature, publicKey})) return true;
		}
	}
	return false;
}

/** Gives what the signatures cover; undefined for content which has no canonical form, so that nobody can have signed it. */
function signedBytes(signed: JsonObject): Uint8Array | undefined {
	const {signatures: _signatures, unsigned: _unsigned, ...covered} = signed;
	try {
		return canonicalJsonBytes(covered);
	} catch (error) {
		if (error instanceof CanonicalJsonError) return undefined;
		throw error;
	}
}

/** The public keys are in content as a single one in `public_key` and as a list of objects in `public_keys`. */
function listPublicKeys(offer: Pdu): Uint8Array[] {
	const written = new Set<string>();
	const {public_key: single, public_keys: list} = offer.content;
	if (typeof single === 'string') written.add(single);
	if (Array.isArray(list)) {
		for (const entry of list) {
			const key = isJsonObject(entry) ? entry['public_key'] : undefined;
			if (typeof key === 'string') written.add(key);
		}
	}
	const keys: Uint8Array[] = [];
	for (const text of written) {
		const key = decodeKey(text);
		if (key?.length === 32) keys.push(key);
	}
	return keys;
}

/** Lists the well-formed ed25519 signatures, whoever made them. */
function* listSignatures(signatures: JsonValue | undefined): Generator<Uint8Array> {
	if (!isJsonObject(signatures)) return;
	for (const byKeyId of Object.values(signatures)) {
		if (!isJsonObject(byKeyId)) continue;
		for (const [keyId, text] of Object.entries(byKeyId)) {
			if (!keyId.startsWith('ed25519:') || typeof text !== 'string') continue;
			const signature = decodeBase64(text, lenient);
			if (signature?.length === 64) yield signature;
		}
	}
}

// Other servers forgive padding and stray bits here, and whoever forgives less would see another room.
const lenient = {padding: true, trailingBits: true};

/** Keys come in the standard or the URL-safe alphabet. */
function decodeKey(text: string): Uint8Array | undefined {
	return decodeBase64(text, lenient) ?? decodeBase64Url(text, lenient);
}
