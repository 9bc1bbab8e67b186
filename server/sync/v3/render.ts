import {setImmediate as nextTurn} from 'node:timers/promises';
import type {JsonObject} from '../../../crypto/index.ts';
import type {StateEntry} from '../../../storage/index.ts';
import {type CompiledFilter, pickFields} from '../../filters/index.ts';
import type {Timeline} from './timeline.ts';
import type {SyncParts, View} from './view.ts';

/** Entries of state that are rendered in one turn of the event loop. */
const CHUNK = 500;

/**
 * Renders the events of a timeline for the viewer. Where there is a gap, what relates to an event may lie in it, and is
 * told with the event; otherwise the device is told of it anyway.
 */
export async function renderTimeline(
	{events}: SyncParts,
	{userId, deviceId, filter}: View,
	{events: shown, isLimited}: Timeline,
): Promise<string[]> {
	if (shown.length === 0) return [];
	const options = {withoutRoomId: true, format: filter.format, withoutRelations: !isLimited};
	const texts = await events.render({userId, deviceId}, shown, options);
	return withFields(texts, filter);
}

/** Renders entries of state, those that the filter lets through; others get their turn in between. */
export async function renderState(
	{events}: SyncParts,
	{filter}: View,
	entries: readonly StateEntry[],
): Promise<string[]> {
	const {matches} = filter.state;
	const texts: string[] = [];
	for (let index = 0; index < entries.length; index += CHUNK) {
		if (index > 0) await nextTurn();
		const chunk = entries.slice(index, index + CHUNK);
		const found = await events.findRendered(chunk.map(({eventNid}) => eventNid));
		const shown = chunk
			.map(({eventNid}) => found.get(eventNid))
			.filter((event) => event !== undefined)
			.filter((event) => matches === undefined || matches(event));
		texts.push(...(await events.renderState(shown, {withoutRoomId: true, format: filter.format})));
	}
	return withFields(texts, filter);
}

function withFields(texts: string[], {fields}: CompiledFilter): string[] {
	return fields ? texts.map((text) => JSON.stringify(pickFields(JSON.parse(text) as JsonObject, fields))) : texts;
}
