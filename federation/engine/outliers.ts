import type {EventId} from '../../crypto/index.ts';
import {DuplicateError} from '../../storage/index.ts';
import type {Pdu, Verdict} from '../rooms/index.ts';
import {eventFacts} from './draft.ts';
import {EngineError} from './errors.ts';
import {type CheckedPdu, judgeByAuthEvents, type ReceiveContext} from './receive-event.ts';

/** Outliers that one batch stores at most. */
const BATCH_EVENTS_MAX = 500;

/**
 * Stores events that are known only as somebody's auth events or state: judged by their auth events, without a place in
 * the graph. Those already here are left as they are.
 */
export async function storeOutliers(context: ReceiveContext, events: readonly CheckedPdu[]): Promise<void> {
	const marks = await context.storage.events.findMarks(events.map(({pdu}) => pdu.eventId));
	const fresh = events.map(({pdu}) => pdu).filter(({eventId}) => !marks.has(eventId));
	// From version 12 on no event names the create event, and all need it.
	const creations = fresh.filter(({type}) => type === 'm.room.create');
	const others = fresh.filter(({type}) => type !== 'm.room.create');
	for (const layer of [creations, ...inAuthOrder(others)]) {
		for (let start = 0; start < layer.length; start += BATCH_EVENTS_MAX) {
			await storeLayer(context, layer.slice(start, start + BATCH_EVENTS_MAX));
		}
	}
}

async function storeLayer(context: ReceiveContext, layer: readonly Pdu[]): Promise<void> {
	const {storage} = context;
	const batch = storage.batch();
	const now = context.now();
	for (const pdu of layer) {
		const verdict = await judgeIfPossible(context, pdu);
		if (!verdict) continue;
		const event = {nid: storage.ids.next(), pdu};
		storage.events.add(batch, {
			...eventFacts(event, now),
			stateBefore: null,
			statePartial: false,
			rejected: verdict.allowed ? null : verdict.reason,
			softFailed: false,
			outlier: true,
			notifyCount: 0,
			threadNotifyCount: 0,
			anchor: null,
			minor: null,
		});
	}
	if (batch.isEmpty) return;
	try {
		await storage.commit(batch);
	} catch (error) {
		// Somebody stored one of them meanwhile: each is then tried alone, and those that are here are passed over.
		if (!(error instanceof DuplicateError)) throw error;
		if (layer.length > 1) for (const pdu of layer) await storeLayer(context, [pdu]);
	}
}

/** Gives no verdict on an event whose auth events cannot be had: it is left out, so that it may come again. */
async function judgeIfPossible(context: ReceiveContext, pdu: Pdu): Promise<Verdict | undefined> {
	try {
		return await judgeByAuthEvents(context, pdu);
	} catch (error) {
		if (error instanceof EngineError && error.code === 'bad_response') return undefined;
		throw error;
	}
}

/** Layers in which every event comes after its auth events; events on a cycle come nowhere. */
function inAuthOrder(events: readonly Pdu[]): Pdu[][] {
	const waiting = new Map<EventId, Pdu>(events.map((pdu) => [pdu.eventId, pdu]));
	const layers: Pdu[][] = [];
	while (waiting.size > 0) {
		const layer = [...waiting.values()].filter((pdu) => !pdu.authEvents.some((eventId) => waiting.has(eventId)));
		if (layer.length === 0) break;
		for (const {eventId} of layer) waiting.delete(eventId);
		layers.push(layer);
	}
	return layers;
}
