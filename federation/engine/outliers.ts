import {breathe, type EventId} from '../../crypto/index.ts';
import {DuplicateError} from '../../storage/index.ts';
import type {Pdu, Verdict} from '../rooms/index.ts';
import {eventFacts} from './event-facts.ts';
import {type CheckedPdu, type CitedEvent, judgeByCited, listCited, type ReceiveContext} from './receive-event.ts';

/** Outliers that one batch stores at most. */
const BATCH_EVENTS_MAX = 500;
/** Outliers that are judged before others get their turn: some milliseconds. */
const JUDGED_AT_ONCE = 200;

/** An event that is known only as somebody's auth event or state, judged by its auth events. */
export interface JudgedOutlier {
	readonly pdu: Pdu;
	readonly verdict: Verdict;
}

/**
 * Stores events that are known only as somebody's auth events or state: judged by their auth events, without a place in
 * the graph. Those already here are left as they are.
 */
export async function storeOutliers(
	context: ReceiveContext,
	events: readonly Pick<CheckedPdu, 'pdu'>[],
): Promise<void> {
	const pdus = events.map(({pdu}) => pdu);
	await writeOutliers(context, await judgeOutliers(context, pdus));
}

/**
 * Judges events by their auth events, those among them and those that are here, and writes nothing. Events that are here
 * already are left out, and so is what rests on something that cannot be had, so that it may come again.
 */
export async function judgeOutliers(context: ReceiveContext, pdus: readonly Pdu[]): Promise<JudgedOutlier[]> {
	const marks = await context.storage.events.findMarks(pdus.map(({eventId}) => eventId));
	const fresh = pdus.filter(({eventId}) => !marks.has(eventId));
	const cited = await findCitedHere(context, fresh);
	const judged: JudgedOutlier[] = [];
	for (const [index, pdu] of inAuthOrder(fresh).entries()) {
		if (index % JUDGED_AT_ONCE === JUDGED_AT_ONCE - 1) await breathe();
		const verdict = judgeByCited(context, pdu, (eventId) => cited.get(eventId));
		if (!verdict) continue;
		cited.set(pdu.eventId, {pdu, isRejected: !verdict.allowed});
		judged.push({pdu, verdict});
	}
	return judged;
}

/** Finds what events rest on and is here; what is among them comes from them. */
async function findCitedHere(context: ReceiveContext, fresh: readonly Pdu[]): Promise<Map<EventId, CitedEvent>> {
	const own = new Set(fresh.map(({eventId}) => eventId));
	const wanted = [...new Set(fresh.flatMap((pdu) => listCited(pdu)))].filter((eventId) => !own.has(eventId));
	const [known, marks] = await Promise.all([context.events.findPdus(wanted), context.storage.events.findMarks(wanted)]);
	return new Map(
		[...known].map(([eventId, {pdu}]) => [eventId, {pdu, isRejected: (marks.get(eventId)?.rejected ?? null) !== null}]),
	);
}

/** Stores what was judged. */
export async function writeOutliers(context: ReceiveContext, judged: readonly JudgedOutlier[]): Promise<void> {
	for (let start = 0; start < judged.length; start += BATCH_EVENTS_MAX) {
		await write(context, judged.slice(start, start + BATCH_EVENTS_MAX));
	}
}

async function write(context: ReceiveContext, judged: readonly JudgedOutlier[]): Promise<void> {
	const {storage} = context;
	const batch = storage.batch();
	const now = context.now();
	for (const {pdu, verdict} of judged) {
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
		if (judged.length > 1) for (const one of judged) await write(context, [one]);
	}
}

/** An order in which every event comes after those it rests on, in linear time (C11); events on a cycle come nowhere. */
function inAuthOrder(events: readonly Pdu[]): Pdu[] {
	const byId = new Map<EventId, Pdu>(events.map((pdu) => [pdu.eventId, pdu]));
	const awaited = new Map<EventId, number>();
	const dependants = new Map<EventId, Pdu[]>();
	const ordered: Pdu[] = [];
	for (const pdu of byId.values()) {
		const within = [...new Set(listCited(pdu))].filter((eventId) => byId.has(eventId));
		awaited.set(pdu.eventId, within.length);
		if (within.length === 0) ordered.push(pdu);
		for (const eventId of within) {
			const others = dependants.get(eventId);
			if (others) others.push(pdu);
			else dependants.set(eventId, [pdu]);
		}
	}
	// It grows while it is walked.
	for (const {eventId} of ordered) {
		for (const dependant of dependants.get(eventId) ?? []) {
			const left = (awaited.get(dependant.eventId) ?? 0) - 1;
			awaited.set(dependant.eventId, left);
			if (left === 0) ordered.push(dependant);
		}
	}
	return ordered;
}
