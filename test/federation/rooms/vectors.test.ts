import test from 'ava';
import {
	canonicalJson,
	type EventId,
	findSignedMessage,
	type JsonObject,
	type RoomId,
	readStrictJson,
	verify,
	decodeBase64,
} from '../../../crypto/index.ts';
import {
	contentHash,
	hasRightContentHash,
	parsePdu,
	redactJson,
	redactPdu,
	referenceHash,
	type RoomVersionId,
	signaturesRequired,
} from '../../../federation/rooms/index.ts';
import {readShared} from '../../harness/index.ts';

interface DerivedVectors {
	readonly serverName: string;
	readonly keyId: string;
	readonly roomVersions: Record<
		RoomVersionId,
		{
			roomId: RoomId;
			events: {event: JsonObject; eventId: EventId; referenceHashBase64: string; redacted: JsonObject}[];
		}
	>;
}

interface SpecVectors {
	readonly signingKey: {derivedPublicKeyBase64: string; serverName: string; keyId: string};
	readonly eventSigning: {
		vectors: {
			input: JsonObject;
			signed: JsonObject;
			derivedSignedBytes: string;
			derivedReferenceHash: {base64: string};
		}[];
	};
}

function readVectors(name: string): unknown {
	const bytes = readShared(`spec/${name}`);
	return bytes === undefined ? undefined : readStrictJson(bytes);
}

const derived = readVectors('derived-event-vectors.json') as DerivedVectors | undefined;
const spec = readVectors('test-vectors.json') as SpecVectors | undefined;
const publicKey = decodeBase64(spec?.signingKey.derivedPublicKeyBase64 ?? '') as Uint8Array;

for (const [version, {roomId, events}] of Object.entries(derived?.roomVersions ?? {})) {
	test(`ids, hashes, redacted forms and signatures of the vectors hold in room version ${version}`, (t) => {
		const id = version as RoomVersionId;
		for (const {event, eventId, referenceHashBase64, redacted} of events) {
			const result = parsePdu(event, id);
			t.true(result.ok, JSON.stringify(result));
			if (!result.ok) continue;
			const {pdu} = result;
			t.is(pdu.eventId, eventId);
			t.is(pdu.roomId, roomId);
			t.is(referenceHash(id, event), referenceHashBase64);
			t.is(canonicalJson(redactJson(id, event)), canonicalJson(redacted));
			t.true(hasRightContentHash(pdu.json));
			t.is(canonicalJson(redactPdu(pdu).json), canonicalJson(redacted));
			t.true(signaturesRequired(pdu).some((server) => server === derived?.serverName));
			const signed = findSignedMessage(redactPdu(pdu).json, derived?.serverName ?? '', derived?.keyId ?? '', publicKey);
			t.true(signed !== undefined && verify(signed));
		}
	});
}

(spec === undefined ? test.skip : test)(
	"the specification's signed events have the right hashes and signatures",
	(t) => {
		for (const {signed, derivedSignedBytes, derivedReferenceHash} of spec?.eventSigning.vectors ?? []) {
			t.is(contentHash(signed), (signed['hashes'] as JsonObject)['sha256'] as string);
			t.true(hasRightContentHash(signed));
			const {signatures: _signatures, ...redacted} = redactJson('1', signed);
			t.is(canonicalJson(redacted), derivedSignedBytes);
			t.is(referenceHash('1', signed), derivedReferenceHash.base64);
			const message = findSignedMessage(redactJson('1', signed), 'domain', 'ed25519:1', publicKey);
			t.true(message !== undefined && verify(message));
		}
	},
);
