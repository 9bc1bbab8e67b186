import type {RoomId} from '../../../crypto/index.ts';
import {arrayText, objectText, writePlaceToken} from '../../events/index.ts';
import {rawJson} from '../../http/index.ts';
import type {Actor} from '../../rooms/index.ts';
import {type SearchAnswer, type SearchResult, searchKeys} from '../../search/index.ts';
import type {Services} from '../../services.ts';
import {type Infer, v} from '../../validation/index.ts';
import {route} from '../route.ts';

/** Characters of what is looked for: a sentence, not a page. */
const TERM_MAX = 500;
/** Events around each result that are given where the client does not say, and at most. */
const AROUND_DEFAULT = 5;
const AROUND_MAX = 50;

const around = () => v.optional(v.integer({min: 0}));
const roomEvents = v.object({
	search_term: v.string({max: TERM_MAX}),
	keys: v.optional(v.array(v.literal('content.body', 'content.name', 'content.topic'), {max: 10})),
	filter: v.optional(v.jsonObject()),
	order_by: v.optional(v.literal('rank', 'recent')),
	event_context: v.optional(
		v.object({before_limit: around(), after_limit: around(), include_profile: v.optional(v.boolean())}),
	),
	include_state: v.optional(v.boolean()),
	groupings: v.optional(
		v.object({
			group_by: v.optional(v.array(v.object({key: v.literal('room_id', 'sender')}), {max: 10})),
		}),
	),
});

type Criteria = Infer<typeof roomEvents>;

/**
 * Finds events by the words in them.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3search
 */
export const search = route({
	id: 'search',
	method: 'POST',
	path: '/_matrix/client/v3/search',
	auth: 'user',
	rateLimit: 'search',
	query: v.object({next_batch: v.optional(v.string({max: 1_000}))}),
	body: v.object({search_categories: v.object({room_events: v.optional(roomEvents)})}),
	async handle({caller, query, body}, services) {
		const criteria = body.search_categories.room_events;
		if (criteria === undefined) return {search_categories: {}};
		const found = await services.search.find(caller.userId, {
			term: criteria.search_term,
			// A list that names nothing names nothing to look in: all of it, as where there is none.
			keys: criteria.keys?.length ? criteria.keys : searchKeys,
			filter: services.filters.checkRoomEventFilter(criteria.filter),
			order: criteria.order_by ?? 'rank',
			groupBy: (criteria.groupings?.group_by ?? []).map(({key}) => key),
			token: query.next_batch,
		});
		return rawJson(`{"search_categories":{"room_events":${await answerText(services, caller, criteria, found)}}}`);
	},
});

async function answerText(services: Services, caller: Actor, criteria: Criteria, found: SearchAnswer): Promise<string> {
	const {results, count, highlights, nextBatch} = found;
	const texts = await services.events.render(
		caller,
		results.map(({event}) => event),
	);
	const contexts: (string | undefined)[] = [];
	for (const result of results) contexts.push(await contextText(services, caller, criteria, result));
	return objectText({
		count: String(count),
		highlights: JSON.stringify(highlights),
		results: arrayText(
			results.map(({rank}, index) => objectText({rank: String(rank), result: texts[index], context: contexts[index]})),
		),
		state: criteria.include_state === true ? await stateText(services, caller, results) : undefined,
		groups: criteria.groupings === undefined ? undefined : groupsText(found),
		next_batch: nextBatch && JSON.stringify(nextBatch),
	});
}

async function contextText(
	{events, rooms, filters}: Services,
	caller: Actor,
	{event_context: wish}: Criteria,
	{event}: SearchResult,
): Promise<string | undefined> {
	if (wish === undefined) return undefined;
	const {roomId, eventId} = event.row;
	const found = await rooms.getSurroundings(caller, roomId, eventId, {
		before: Math.min(wish.before_limit ?? AROUND_DEFAULT, AROUND_MAX),
		after: Math.min(wish.after_limit ?? AROUND_DEFAULT, AROUND_MAX),
		filter: filters.checkRoomEventFilter(undefined),
	});
	const shown = [event, ...found.before, ...found.after];
	const profiles = wish.include_profile === true ? await rooms.listProfilesAt(event, shown) : undefined;
	return objectText({
		start: JSON.stringify(writePlaceToken(found.start)),
		end: JSON.stringify(writePlaceToken(found.end)),
		events_before: arrayText(await events.render(caller, found.before)),
		events_after: arrayText(await events.render(caller, found.after)),
		profile_info: profiles && JSON.stringify(Object.fromEntries(profiles)),
	});
}

async function stateText({events, rooms}: Services, caller: Actor, results: readonly SearchResult[]): Promise<string> {
	const texts = new Map<RoomId, string>();
	for (const {event} of results) {
		const {roomId} = event.row;
		if (texts.has(roomId)) continue;
		texts.set(roomId, arrayText(await events.renderState(await rooms.listState(caller, roomId))));
	}
	return objectText(Object.fromEntries(texts));
}

function groupsText({groups}: SearchAnswer): string {
	const byKey = [...groups].map(([key, byValue]) => {
		const values = [...byValue].map(([value, {results, order, nextBatch}]) => [
			value,
			{
				results: results.map(({event}) => event.row.eventId),
				order,
				...(nextBatch !== undefined && {next_batch: nextBatch}),
			},
		]);
		return [key, Object.fromEntries(values) as object];
	});
	return JSON.stringify(Object.fromEntries(byKey));
}
