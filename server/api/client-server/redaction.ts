import {isEventId, type JsonValue} from '../../../crypto/index.ts';
import {MatrixError} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {roomTransaction} from './transactions.ts';

/** MSC3912 is not part of the specification yet: clients ask for it by this key where `/versions` says so. */
const RELATED_UNSTABLE = 'org.matrix.msc3912.with_relations';
/** Relation types that one request names. */
const REL_TYPES_MAX = 20;

function readRelTypes(value: JsonValue | undefined): readonly string[] | undefined {
	if (value === undefined) return undefined;
	if (Array.isArray(value) && value.length <= REL_TYPES_MAX) {
		const types = value.filter((type) => typeof type === 'string');
		if (types.length === value.length) return types;
	}
	throw new MatrixError('M_BAD_JSON', `with_rel_types: expected at most ${REL_TYPES_MAX} relation types`);
}

/**
 * Takes the content of an event away. A repetition of the same request gets the same redaction.
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidredacteventidtxnid
 */
export const redactEvent = route({
	id: 'redactEvent',
	method: 'PUT',
	path: '/_matrix/client/v3/rooms/:roomId/redact/:eventId/:txnId',
	auth: 'user',
	rateLimit: 'message',
	numbers: 'lossless',
	body: v.jsonObject(),
	async handle({caller, parameters, body}, {rooms}) {
		const {roomId, eventId, txnId} = parameters;
		if (!isEventId(eventId)) throw new MatrixError('M_NOT_FOUND', 'There is no such event in the room');
		const transaction = roomTransaction(caller, `redactEvent ${eventId}`, roomId, txnId);
		const {redacts: _redacts, with_rel_types: stable, [RELATED_UNSTABLE]: unstable, ...content} = body;
		const withRelTypes = readRelTypes(stable === undefined ? unstable : stable);
		return {event_id: await rooms.redact(caller, roomId, {redacts: eventId, content, withRelTypes, transaction})};
	},
});
