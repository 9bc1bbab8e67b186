import type {JsonObject} from '../../../crypto/index.ts';
import type {StateEntry} from '../../../storage/index.ts';
import type {RenderedEvent} from '../../events/index.ts';
import type {SyncParts} from '../v3/view.ts';

/** Gives the contents of entries of state, redacted where they were, by their type and, of members, by the member. */
export async function findContents(
	{events}: Pick<SyncParts, 'events'>,
	entries: readonly StateEntry[],
): Promise<Map<string, JsonObject>> {
	if (entries.length === 0) return new Map();
	const found = await events.findRendered(entries.map(({eventNid}) => eventNid));
	const contents = new Map<string, JsonObject>();
	for (const {type, stateKey, eventNid} of entries) {
		const event = found.get(eventNid);
		if (event) contents.set(stateKey === '' ? type : stateKey, contentOf(event));
	}
	return contents;
}

function contentOf({open}: RenderedEvent): JsonObject {
	return (JSON.parse(`${open}}`) as {content: JsonObject}).content;
}
