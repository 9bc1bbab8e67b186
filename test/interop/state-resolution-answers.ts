import {sha256Base64} from '../../crypto/index.ts';
import {ROOM_VERSIONS, type RoomVersionId} from '../../federation/rooms/index.ts';

/** What Synapse made of the recorded rooms: a hash of all its resolved states, by `version/seed`. */
export interface SynapseAnswers {
	readonly answers: Readonly<Record<string, string>>;
}

export const SYNAPSE_ANSWERS_FILE = 'test/federation/rooms/state-resolution/synapse-answers.json';

/** Of each version, so that there are 200 and more. */
const SEEDS_RECORDED = 17;

/** The random rooms whose resolution by Synapse is recorded. */
export const RECORDED_ROOMS: readonly {readonly version: RoomVersionId; readonly seed: number}[] =
	ROOM_VERSIONS.flatMap(({id}) =>
		Array.from({length: SEEDS_RECORDED}, (_, at) => ({version: id, seed: 1_000_000 + at})),
	);

/** Gives one short text for the resolved states of all conflicts of a room, whatever order their entries have. */
export function hashAnswers(states: readonly (readonly (readonly [string, string, string])[])[]): string {
	const lines = states.map((state) => state.map((entry) => JSON.stringify(entry)).toSorted((a, b) => (a < b ? -1 : 1)));
	return sha256Base64(JSON.stringify(lines)).slice(0, 22);
}
