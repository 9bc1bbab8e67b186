import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import type {EventId, JsonObject} from '../../../../crypto/index.ts';
import {type RoomVersionId, roomVersion, type StateMap, stateKeyOf} from '../../../../federation/rooms/index.ts';
import {type EventDraft, RoomBuilder} from '../../../harness/room-builder.ts';

const DIRECTORY = 'test/federation/rooms/state-resolution/timelines';

interface TimelineEvent {
	readonly type: string;
	readonly sender: string;
	readonly state_key?: string;
	readonly content: JsonObject;
	readonly after: readonly string[];
	/** Seconds after all that is not dated. */
	readonly at?: number;
}

/** A conflict, its outcome, and the argument for it from the specification. */
interface Timeline {
	readonly conflict: string;
	readonly versions: readonly RoomVersionId[];
	readonly argument: readonly string[];
	readonly events: Readonly<Record<string, TimelineEvent>>;
	/** The state after an event, or one made of events. */
	readonly states: readonly ({readonly after: string} | {readonly of: readonly string[]})[];
	/** By `type|state_key`: the event that holds it, or null where none does. */
	readonly expected: Readonly<Record<string, string | null>>;
}

const ALICE = '@alice:a.example';
const BOB = '@bob:b.example';
const CHARLIE = '@charlie:c.example';

/** Every timeline begins with a public room of Alice's (level 100), in which are Bob (50) and Charlie (0). */
const START: Readonly<Record<string, TimelineEvent>> = {
	create: {type: 'm.room.create', sender: ALICE, state_key: '', content: {creator: ALICE}, after: []},
	'alice-join': joinOf(ALICE, ['create']),
	levels: {
		type: 'm.room.power_levels',
		sender: ALICE,
		state_key: '',
		content: {users: {[ALICE]: 100, [BOB]: 50}},
		after: ['alice-join'],
	},
	rule: {type: 'm.room.join_rules', sender: ALICE, state_key: '', content: {join_rule: 'public'}, after: ['levels']},
	'bob-join': joinOf(BOB, ['rule']),
	'charlie-join': joinOf(CHARLIE, ['bob-join']),
};

function joinOf(user: string, after: readonly string[]): TimelineEvent {
	return {type: 'm.room.member', sender: user, state_key: user, content: {membership: 'join'}, after};
}

const DATED_FROM = 1_800_000_000_000;

function play(timeline: Timeline, version: RoomVersionId): {room: RoomBuilder; ids: Map<string, EventId>} {
	const room = new RoomBuilder(version);
	const ids = new Map<string, EventId>();
	const idOf = (name: string): EventId => {
		const eventId = ids.get(name);
		if (eventId === undefined) throw new Error(`Expected an event before it is named, got ${name}`);
		return eventId;
	};
	for (const [name, event] of Object.entries({...START, ...timeline.events})) {
		const draft: EventDraft = {
			type: event.type,
			sender: event.sender,
			stateKey: event.state_key,
			content: withoutCreators(event.content, version),
			prevEvents: event.after.map(idOf),
			originServerTs: event.at === undefined ? undefined : DATED_FROM + event.at * 1000,
		};
		ids.set(name, room.send(draft).eventId);
	}
	return {room, ids};
}

/** From room version 12 on the creator stands above all levels and must not be listed. */
function withoutCreators(content: JsonObject, version: RoomVersionId): JsonObject {
	if (!roomVersion(version).creatorsAreUnlimited || content['users'] === undefined) return content;
	const users = {...(content['users'] as JsonObject)};
	delete users[ALICE];
	return {...content, users};
}

for (const file of readdirSync(DIRECTORY)) {
	const timeline = JSON.parse(readFileSync(join(DIRECTORY, file), 'utf8')) as Timeline;
	const range = timeline.versions.length === 1 ? '' : `–${timeline.versions.at(-1)}`;
	test(`${timeline.conflict} (versions ${timeline.versions[0]}${range})`, (t) => {
		for (const version of timeline.versions) {
			const {room, ids} = play(timeline, version);
			const sets = timeline.states.map((state): StateMap => {
				if ('after' in state) return room.stateAfter(ids.get(state.after) as EventId);
				const events = state.of.map((name) => room.get(ids.get(name) as EventId));
				return new Map(events.map(({type, stateKey, eventId}) => [stateKeyOf(type, stateKey as string), eventId]));
			});
			const names = new Map(Array.from(ids, ([name, eventId]) => [eventId, name]));
			for (const stateSets of [sets, sets.toReversed()]) {
				const resolved = room.resolveStates(stateSets);
				for (const [key, expected] of Object.entries(timeline.expected)) {
					const [type, stateKey] = key.split('|') as [string, string];
					const eventId = resolved.get(stateKeyOf(type, stateKey));
					t.is(eventId === undefined ? null : names.get(eventId), expected, `${key} in version ${version}`);
				}
			}
		}
	});
}
