/**
 * Resolves random rooms here and with Synapse's own functions, and compares. By hand:
 *
 *     node dist/test/interop/state-resolution-oracle.js [rooms for each algorithm = 700] [first seed = 1]
 *     node dist/test/interop/state-resolution-oracle.js record
 *
 * The second form writes what Synapse said of a few rooms to test/federation/rooms/state-resolution/synapse-answers.json,
 * which the tests compare with where there is no Synapse. It has to be run again after a change of random-room.ts.
 */
import {spawn} from 'node:child_process';
import {writeFileSync} from 'node:fs';
import {createInterface} from 'node:readline';
import {ROOM_VERSIONS, type RoomVersionId} from '../../federation/rooms/index.ts';
import {createRandomRoom, exportRoom, listState, type RandomRoom} from '../harness/random-room.ts';
import {hashAnswers, RECORDED_ROOMS, SYNAPSE_ANSWERS_FILE, type SynapseAnswers} from './state-resolution-answers.ts';
import {prepareSynapse} from './synapse.ts';

type State = readonly (readonly [type: string, stateKey: string, eventId: string])[];

interface OracleAnswer {
	readonly seed: number;
	readonly resolved: readonly State[];
	readonly other_ids: readonly (readonly [string, string])[];
}

const SCRIPT = 'test/interop/state-resolution-oracle.py';

/** Asks Synapse to resolve all conflicts of some rooms. */
async function askSynapse(python: string, rooms: readonly RandomRoom[]): Promise<OracleAnswer[]> {
	const program = spawn(python, [SCRIPT], {stdio: ['pipe', 'pipe', 'inherit']});
	const answers: OracleAnswer[] = [];
	const lines = createInterface({input: program.stdout});
	for (const room of rooms) program.stdin.write(`${JSON.stringify(exportRoom(room))}\n`);
	program.stdin.end();
	for await (const line of lines) answers.push(JSON.parse(line) as OracleAnswer);
	if (answers.length !== rooms.length) throw new Error(`Expected ${rooms.length} answers, got ${answers.length}`);
	return answers;
}

/** Lists the entries of one state that another lacks. */
function without(state: State, other: State): string[] {
	const lines = new Set(other.map((entry) => JSON.stringify(entry)));
	return state.map((entry) => JSON.stringify(entry)).filter((line) => !lines.has(line));
}

function makeRooms(version: RoomVersionId, first: number, count: number): RandomRoom[] {
	return Array.from({length: count}, (_, at) => createRandomRoom({seed: first + at, version}));
}

async function compare(python: string, version: RoomVersionId, first: number, count: number): Promise<number> {
	const rooms = makeRooms(version, first, count);
	const answers = await askSynapse(python, rooms);
	let conflicts = 0;
	let differences = 0;
	let events = 0;
	let rejected = 0;
	for (const [at, {room, seed, conflicts: all, events: built}] of rooms.entries()) {
		const answer = answers[at] as OracleAnswer;
		events += built.length;
		rejected += room.rejections.size;
		for (const [ours, theirs] of answer.other_ids) {
			differences++;
			console.log(`version ${version} seed ${seed}: event ${ours} is ${theirs} for Synapse`);
		}
		for (const [number, eventIds] of all.entries()) {
			const ours = listState(room.resolve(eventIds));
			const theirs = answer.resolved[number] as State;
			conflicts++;
			const [onlyOurs, onlyTheirs] = [without(ours, theirs), without(theirs, ours)];
			if (onlyOurs.length + onlyTheirs.length === 0) continue;
			differences++;
			console.log(
				`version ${version} seed ${seed} conflict ${number}: ours ${onlyOurs.join()}, theirs ${onlyTheirs.join()}`,
			);
		}
	}
	console.log(
		`version ${version}: ${count} rooms from seed ${first}, ${events} events (${rejected} rejected), ${conflicts} conflicts, ${differences} differences`,
	);
	return differences;
}

async function record(python: string): Promise<void> {
	const answers: Record<string, string> = {};
	const rooms = RECORDED_ROOMS.map(({version, seed}) => createRandomRoom({seed, version}));
	for (const [at, {seed, resolved}] of (await askSynapse(python, rooms)).entries()) {
		answers[`${rooms[at]?.version}/${seed}`] = hashAnswers(resolved);
	}
	const recorded: SynapseAnswers = {answers};
	writeFileSync(SYNAPSE_ANSWERS_FILE, `${JSON.stringify(recorded, undefined, '\t')}\n`);
}

const synapse = prepareSynapse();
if ('skipped' in synapse) {
	console.log(`skipped: ${synapse.skipped}`);
} else if (process.argv[2] === 'record') {
	await record(synapse.python);
} else {
	const [rooms, first] = [Number(process.argv[2] ?? 700), Number(process.argv[3] ?? 1)];
	let differences = 0;
	for (const {id, stateResolution} of ROOM_VERSIONS) {
		const sharing = ROOM_VERSIONS.filter((version) => version.stateResolution === stateResolution).length;
		differences += await compare(synapse.python, id, first, Math.ceil(rooms / sharing));
	}
	process.exitCode = differences === 0 ? 0 : 1;
}
