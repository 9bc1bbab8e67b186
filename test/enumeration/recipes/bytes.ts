/** Recipe B: status, headers, length and body must be one and the same for all names. */
import {type Asked, ask, type Lines, openLines} from '../ask.ts';
import type {Probe} from '../probe.ts';
import type {Subject} from '../subjects.ts';
import type {World} from '../world.ts';
import {chooseSubjects, groupBy} from './choose.ts';

/** What was found wrong; empty where nothing was. */
export type Faults = readonly string[];

/** Requests under way at once: answers that wait for a tick of the grid wait together. */
const AT_ONCE = 8;
/** Kinds of answers that are described; the first few show what is wrong. */
const DESCRIBED_MAX = 4;

/** Asks a probe about all its subjects. */
export async function askAll(world: World, probe: Probe): Promise<Asked[]> {
	const waiting = chooseSubjects(world, probe);
	const answers: Asked[] = [];
	// What is written for one of several that come at once is counted for whichever was first; and servers take
	// transactions of one other server one after the other.
	const atOnce = probe.leavesTraces === true ? 1 : AT_ONCE;
	const lines = openLines(world, {connections: atOnce});
	try {
		await warmUp(world, lines, probe, waiting);
		const work = async (): Promise<void> => {
			for (let subject = waiting.pop(); subject !== undefined; subject = waiting.pop()) {
				answers.push(await ask(world, lines, probe, subject));
			}
		};
		await Promise.all(Array.from({length: atOnce}, work));
	} finally {
		lines.close();
	}
	return answers;
}

/** Asks about one name that is nobody's and no part of the comparison: what is read once and remembered is no name's cost. */
async function warmUp(world: World, lines: Lines, probe: Probe, subjects: Subject[]): Promise<void> {
	const at = subjects.findIndex(({isHere}) => !isHere);
	const [spare] = at === -1 ? [] : subjects.splice(at, 1);
	if (spare !== undefined && subjects.some(({isHere}) => !isHere)) await ask(world, lines, probe, spare);
	else if (spare !== undefined) subjects.push(spare);
}

/** Compares answers to one probe. */
export function compareBytes(answers: readonly Asked[], forbidden?: RegExp): Faults {
	const failed = answers.find(({replies}) => replies.some(({status}) => status >= 500));
	const groups = groupBy(answers, ({seen}) => seen);
	const faults: string[] = [];
	if (failed !== undefined) {
		const {status, text} = failed.replies.find((reply) => reply.status >= 500)!;
		faults.push(`${failed.subject.class} fails: ${status} ${text.slice(0, 80)}`);
	}
	const revealing = forbidden && [...groups.keys()].map((seen) => forbidden.exec(seen)?.[0]).find((word) => word);
	if (revealing !== undefined) faults.push(`the answer has ${revealing} in it`);
	if (groups.size > 1) faults.push(describeGroups([...groups]));
	return faults;
}

/** Says which classes get which answer, and how the answers differ. */
function describeGroups(groups: readonly (readonly [string, readonly Asked[]])[]): string {
	const [first = ''] = groups.map(([seen]) => seen);
	const texts = groups.slice(0, DESCRIBED_MAX).map(([seen, asked]) => {
		const classes = [...groupBy(asked, ({subject}) => subject.class)].map(([name, list]) => `${list.length} ${name}`);
		const other = seen === first ? (groups[1]?.[0] ?? '') : first;
		return `${classes.join(', ')}: ${firstDifference(seen, other)}`;
	});
	const more = groups.length > DESCRIBED_MAX ? ` | and ${groups.length - DESCRIBED_MAX} more` : '';
	return texts.join(' | ') + more;
}

/** Gives the lines of an answer that another has not, shortened. */
function firstDifference(seen: string, other: string): string {
	const lines = seen.split('\n');
	const others = new Set(other.split('\n'));
	const own = lines.filter((line) => !others.has(line) && !line.startsWith('content-length'));
	const told = own.length > 0 ? own : lines.filter((line) => !others.has(line));
	return told.join(' ').slice(0, 160) || lines[0]!;
}
