/** Figures as a table for people. */
import type {Figures} from './measure.ts';

const MEBIBYTE = 1_048_576;

const COLUMNS: readonly {readonly head: string; readonly width: number; readonly show: (figures: Figures) => string}[] =
	[
		{head: 'scenario', width: 30, show: ({title}) => title.padEnd(30)},
		{head: 'ops', width: 6, show: ({operations}) => String(operations)},
		{head: 'ops/s', width: 8, show: ({perSecond}) => fixed(perSecond, 1)},
		{head: 'p50 ms', width: 8, show: ({p50}) => fixed(p50, 2)},
		{head: 'p95 ms', width: 8, show: ({p95}) => fixed(p95, 2)},
		{head: 'p99 ms', width: 8, show: ({p99}) => fixed(p99, 2)},
		{head: 'CPU-s/1000', width: 11, show: ({cpuSecondsPer1000}) => fixed(cpuSecondsPer1000, 3)},
		{head: 'client', width: 7, show: ({clientCpuSecondsPer1000}) => fixed(clientCpuSecondsPer1000, 2)},
		{head: 'RSS MiB', width: 8, show: ({rssBytes}) => fixed(rssBytes, 0, MEBIBYTE)},
		{head: 'KiB/op', width: 7, show: ({writtenBytesPerOperation}) => fixed(writtenBytesPerOperation, 1, 1_024)},
	];

/** The table's first line. */
export const heading = (): string => COLUMNS.map(({head, width}) => pad(head, width)).join(' ');

/** One line of the table; several processes have a second one for each one's share of the CPU, failures one that says so. */
export function line(figures: Figures): string {
	const lines = [COLUMNS.map(({show, width}) => show(figures).padStart(width)).join(' ')];
	const {cpuSecondsPer1000Each: each, failures, failure} = figures;
	if (each.length > 1) lines.push(`  CPU-s/1000 of each process: ${each.map((share) => share.toFixed(3)).join(', ')}`);
	if (failures > 0) lines.push(`  ${failures} failures, the first: ${failure ?? ''}`);
	return lines.join('\n');
}

const pad = (head: string, width: number): string => (head === 'scenario' ? head.padEnd(width) : head.padStart(width));

function fixed(value: number | undefined, digits: number, unit = 1): string {
	return value === undefined || Number.isNaN(value) ? '–' : (value / unit).toFixed(digits);
}
