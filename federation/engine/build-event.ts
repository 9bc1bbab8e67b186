import {encodeBase64, type EventId, type RoomId, type ServerName, type Signer} from '../../crypto/index.ts';
import type {Storage} from '../../storage/index.ts';
import {
	buildPdu,
	type EventFields,
	type FormatFault,
	type Pdu,
	type RoomVersionId,
	roomVersion,
	signPdu,
	type VerifySignature,
} from '../rooms/index.ts';
import type {EventTemplate} from './engine.ts';
import {EngineError} from './errors.ts';
import type {Random} from './seams.ts';

/** Random bytes in an event id of versions 1 and 2. */
const EVENT_ID_BYTES = 18;

/** What events of this server are built with. */
export interface BuildContext {
	readonly storage: Storage;
	readonly serverName: ServerName;
	readonly signer: Signer;
	readonly random: Random;
	readonly now: () => number;
	readonly verifySignature: VerifySignature;
}

/** Where in the graph an event of ours goes. */
export interface Placement {
	/** Absent only for the create event from version 12 on, whose id becomes the room's. */
	readonly roomId: RoomId | undefined;
	readonly version: RoomVersionId;
	readonly template: EventTemplate;
	readonly prevEvents: readonly EventId[];
	readonly authEvents: readonly EventId[];
	readonly depth: number;
	/** Reference hashes of the events named, for versions 1 and 2. */
	readonly referenceHashes?: ReadonlyMap<EventId, string> | undefined;
}

/** Builds and signs an event of this server. @throws EngineError('bad_event' | 'too_large') */
export function buildEvent(context: BuildContext, placement: Placement): Pdu {
	const built = buildPdu(toFields(context, placement));
	if (!built.ok) throw badEvent(built.fault);
	return signPdu(built.pdu, context.serverName, context.signer);
}

/** The fields of an event of ours, before it has hash, id and signature. */
export function toFields(context: BuildContext, {template, version, ...placement}: Placement): EventFields {
	const needsId = roomVersion(version).eventIds === 'domain';
	return {
		...placement,
		roomVersion: version,
		type: template.type,
		sender: template.sender,
		stateKey: template.stateKey,
		content: template.content,
		redacts: template.redacts,
		originServerTs: template.originServerTs ?? context.now(),
		eventId: needsId ? makeEventId(context) : undefined,
		signers: [{serverName: context.serverName, keyId: context.signer.keyId}],
	};
}

/** The engine's words for an event that has not the form of one. */
export function badEvent({code, field, reason}: FormatFault): EngineError {
	const where = field === undefined ? '' : `${field}: `;
	return new EngineError(code === 'size' ? 'too_large' : 'bad_event', `${where}${reason}`);
}

function makeEventId({random, serverName}: BuildContext): EventId {
	const opaque = encodeBase64(random.bytes(EVENT_ID_BYTES)).replaceAll(/[+/]/g, '0');
	return `$${opaque}:${serverName}` as EventId;
}
