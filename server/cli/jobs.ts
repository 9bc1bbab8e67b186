import {type Job, jobs} from '../jobs/index.ts';

const units = [
	['day', 86_400_000],
	['hour', 3_600_000],
	['minute', 60_000],
] as const;

/** Spells how often a job runs. */
function periodOf({everyMs}: Job): string {
	if (everyMs === null) return 'once';
	const [name, lengthMs] = units.find((unit) => everyMs % unit[1] === 0) ?? ['millisecond', 1];
	const count = everyMs / lengthMs;
	return count === 1 ? `every ${name}` : `every ${count} ${name}s`;
}

/** Prints every background job, or those whose line has the given words: `npm run jobs -- stream`. */
function main(words: readonly string[]): void {
	const rows = jobs.map((job) => [job.id, periodOf(job), job.role, job.atMost, job.does]);
	const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
	const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
	const found = lines.filter((line) => words.every((word) => line.includes(word)));
	process.stdout.write(`${found.join('\n')}\n${found.length} of ${lines.length} jobs\n`);
}

main(process.argv.slice(2));
