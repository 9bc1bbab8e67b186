import {setImmediate as nextTurn} from 'node:timers/promises';
import type {StoredEvent} from '../../../federation/engine/index.ts';
import type {StateEntry, StateKey} from '../../../storage/index.ts';
import {arrayText} from '../../events/index.ts';
import type {SlidingParts, SlidingView} from './view.ts';

/** Entries of state that are rendered in one turn of the event loop. */
const CHUNK = 500;

/** Renders entries of state as JSON texts; others get their turn in between. */
export async function renderEntries({events}: SlidingParts, entries: readonly StateEntry[]): Promise<string[]> {
	const texts: string[] = [];
	for (let index = 0; index < entries.length; index += CHUNK) {
		if (index > 0) await nextTurn();
		const nids = entries.slice(index, index + CHUNK).map(({eventNid}) => eventNid);
		const found = await events.findRendered(nids);
		const shown = nids.map((nid) => found.get(nid)).filter((event) => event !== undefined);
		texts.push(...(await events.renderState(shown, {withoutRoomId: true})));
	}
	return texts;
}

/** Renders required state; what the state has no more is a stub of its key. `undefined` where there is nothing. */
export async function renderRequired(
	parts: SlidingParts,
	entries: readonly StateEntry[],
	removed: readonly StateKey[],
): Promise<string | undefined> {
	const stubs = removed.map(({type, stateKey}) => JSON.stringify({type, state_key: stateKey}));
	return listText([...(await renderEntries(parts, entries)), ...stubs]);
}

/** Renders a timeline; `undefined` where it is empty. */
export async function renderShown(
	{events}: SlidingParts,
	{request: {userId, deviceId}}: SlidingView,
	shown: readonly StoredEvent[],
): Promise<string | undefined> {
	if (shown.length === 0) return undefined;
	return arrayText(await events.render({userId, deviceId}, shown, {withoutRoomId: true}));
}

function listText(texts: readonly string[]): string | undefined {
	return texts.length === 0 ? undefined : arrayText(texts);
}
