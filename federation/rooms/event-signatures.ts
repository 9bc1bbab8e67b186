import {domainOf, isUserId, type ServerName, type Signer, signJson} from '../../crypto/index.ts';
import type {Pdu, PduSignatures} from './pdu.ts';
import {redactJson} from './redact.ts';
import {roomVersion} from './versions.ts';

/**
 * Lists the servers whose signature an event must carry, each once: the sender's; in versions 1 and 2 the one in the
 * event's id; from version 8 on that of the user who authorised a restricted join. A third-party invite needs none of
 * the sender's server, because another may send it: its own signature is checked by the authorisation rules.
 * @see https://spec.matrix.org/v1.19/server-server-api/#validating-hashes-and-signatures-on-received-events
 */
export function signaturesRequired(pdu: Pdu): ServerName[] {
	const version = roomVersion(pdu.roomVersion);
	const servers = new Set<ServerName>();
	if (!isThirdPartyInvite(pdu)) servers.add(domainOf(pdu.sender));
	if (version.isSignedByEventIdServer) {
		const server = domainOf(pdu.eventId);
		if (server !== undefined) servers.add(server);
	}
	if (version.hasRestrictedJoins && pdu.type === 'm.room.member') {
		const authoriser = pdu.content['join_authorised_via_users_server'];
		if (isUserId(authoriser)) servers.add(domainOf(authoriser));
	}
	return [...servers];
}

function isThirdPartyInvite({type, content}: Pdu): boolean {
	return type === 'm.room.member' && content['membership'] === 'invite' && content['third_party_invite'] !== undefined;
}

/**
 * Signs an event for a server: over its redacted form, so that the signature outlasts a redaction. The id stays, since
 * signatures are not part of it.
 * @see https://spec.matrix.org/v1.19/server-server-api/#adding-hashes-and-signatures-to-outgoing-events
 */
export function signPdu(pdu: Pdu, serverName: ServerName, signer: Signer): Pdu {
	return withSignatures(pdu, signJson(redactJson(pdu.roomVersion, pdu.json), serverName, signer).signatures);
}

/** Adds signatures which another server made of the same event; where both have one, the event's own stays. */
export function mergeSignatures(pdu: Pdu, others: PduSignatures): Pdu {
	const merged = new Map(Object.entries(pdu.signatures));
	for (const [server, byKeyId] of Object.entries(others)) merged.set(server, {...byKeyId, ...merged.get(server)});
	return withSignatures(pdu, Object.fromEntries(merged));
}

function withSignatures(pdu: Pdu, signatures: PduSignatures): Pdu {
	return {...pdu, signatures, json: {...pdu.json, signatures}};
}
