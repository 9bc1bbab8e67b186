import {
	CanonicalJsonError,
	canonicalJson,
	type JsonObject,
	JsonSyntaxError,
	type JsonValue,
	readStrictJson,
	type ServerName,
} from '../../crypto/index.ts';
import type {Edu} from './edus.ts';
import {asObject} from './key-document.ts';

/**
 * Writes the body of a transaction as canonical JSON. An item that has no canonical form is left out and reported: it could
 * neither be signed nor read by anybody.
 * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1sendtxnid
 */
export function writeTransaction(
	origin: ServerName,
	nowMs: number,
	pdus: readonly JsonObject[],
	edus: readonly Edu[],
	onDropped: (error: unknown) => void,
): string {
	const list = (items: readonly JsonObject[]): string =>
		items
			.map((item) => writeItem(item, onDropped))
			.filter((text) => text !== undefined)
			.join(',');
	// The names are in canonical order.
	return `{"edus":[${list(edus)}],"origin":${canonicalJson(origin)},"origin_server_ts":${nowMs},"pdus":[${list(pdus)}]}`;
}

/** Clients may write fractions into messages to devices, and those are passed on as they are. */
function writeItem(item: JsonObject, onDropped: (error: unknown) => void): string | undefined {
	try {
		return canonicalJson(item);
	} catch (error) {
		if (!(error instanceof CanonicalJsonError)) throw error;
	}
	try {
		return canonicalJson(readStrictJson(JSON.stringify(item)));
	} catch (error) {
		if (!(error instanceof CanonicalJsonError || error instanceof JsonSyntaxError)) throw error;
		onDropped(error);
		return undefined;
	}
}

/** Counts the events of a transaction that its receiver says it refused. */
export function countRefused(answer: JsonValue): number {
	const pdus = asObject(asObject(answer)?.['pdus']) ?? {};
	return Object.values(pdus).filter((result) => asObject(result)?.['error'] !== undefined).length;
}
