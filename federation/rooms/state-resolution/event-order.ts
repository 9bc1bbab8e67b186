import type {EventId} from '../../../crypto/index.ts';

/** The first code unit above the surrogates. */
const AFTER_SURROGATES = 0xe000;
const FIRST_SURROGATE = 0xd800;

/**
 * Compares two event ids by code points, which is the order of their UTF-8 bytes. JavaScript's own order is by UTF-16 code
 * units; it differs for ids with characters beyond the basic plane, which room versions 1 and 2 allow.
 */
export function compareEventIds(a: EventId, b: EventId): number {
	const length = Math.min(a.length, b.length);
	for (let at = 0; at < length; at++) {
		const unitA = a.charCodeAt(at);
		const unitB = b.charCodeAt(at);
		if (unitA !== unitB) return rank(unitA) - rank(unitB);
	}
	return a.length - b.length;
}

/** Surrogates stand for code points above all others, so they rank behind the rest of the basic plane. */
function rank(unit: number): number {
	if (unit >= AFTER_SURROGATES) return unit - FIRST_SURROGATE;
	return unit >= FIRST_SURROGATE ? unit + AFTER_SURROGATES : unit - AFTER_SURROGATES;
}
