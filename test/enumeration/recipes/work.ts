/** Recipe Q: every name costs as many password hashes, reads of the database and writes as every other. */
import type {Asked} from '../ask.ts';
import type {Counts} from '../counts.ts';
import {groupBy} from './choose.ts';

/** Answers that wait for a tick take so long at the least; the ticks are 20 ms apart, and timers may be a little early. */
const TICK_MS = 19;
/** Reads that a tick hides: each takes a fraction of a millisecond. */
const HIDDEN_READS_MAX = 8;

const KINDS = ['hashes', 'reads', 'writes'] as const;

/**
 * Compares what answers have cost for each class of names; empty where nothing was counted. Answers that all
 * wait for a tick of a grid may differ by a few reads, which the tick hides.
 */
export function compareWork(answers: readonly Asked[]): readonly string[] {
	const questions = Math.max(0, ...answers.map(({replies}) => replies.length));
	return Array.from({length: questions}, (_, index) => compareReplies(answers, index)).flat();
}

/** Compares the answers to one of the questions that a probe asks in a row. */
function compareReplies(answers: readonly Asked[], index: number): string[] {
	const isOnGrid = answers.every(({replies}) => (replies[index]?.durationMs ?? 0) >= TICK_MS);
	const classes = [...groupBy(answers, ({subject}) => subject.class)];
	return KINDS.flatMap((kind) => {
		const groups = groupBy(classes, ([, list]) => String(typicalOf(list, index, kind)));
		if (groups.size <= 1) return [];
		const counts = [...groups.keys()].map(Number);
		const isHidden = kind !== 'hashes' && Math.max(...counts) - Math.min(...counts) <= HIDDEN_READS_MAX;
		if (isOnGrid && isHidden) return [];
		return [
			[...groups].map(([count, list]) => `${count} ${kind}: ${list.map(([name]) => name).join(', ')}`).join(' | '),
		];
	});
}

/** What a name of a class costs: the median, since what one answer reads others find in memory. */
function typicalOf(answers: readonly Asked[], index: number, kind: keyof Counts): number {
	const counts = answers.map(({costs}) => costs?.[index]?.[kind] ?? 0).toSorted((a, b) => a - b);
	return counts[Math.floor(counts.length / 2)] ?? 0;
}
