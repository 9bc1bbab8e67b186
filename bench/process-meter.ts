/** What a server's process (with its threads and child processes) has used up, as Linux counts it. */
import {readdirSync, readFileSync} from 'node:fs';

/** The kernel's unit of CPU time in /proc, which is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** A reading; the first two only grow. */
export interface Usage {
	readonly cpuSeconds: number;
	/** Bytes that went to the storage layer. */
	readonly writtenBytes: number;
	readonly rssBytes: number;
}

/** Reads the usage of `pid`, its threads and everything it has started. @throws where the process is gone. */
export function readUsage(pid: number): Usage {
	const total = {cpuSeconds: 0, writtenBytes: 0, rssBytes: 0};
	for (const member of [pid, ...listDescendants(pid)]) {
		try {
			total.cpuSeconds += readCpuSeconds(member);
			total.writtenBytes += readField(`/proc/${member}/io`, 'write_bytes');
			total.rssBytes += readField(`/proc/${member}/status`, 'VmRSS') * 1_024;
		} catch (error) {
			// A child may end between the listing and the reading; its time is then among its parent's.
			if (member === pid) throw error;
		}
	}
	return total;
}

function readCpuSeconds(pid: number): number {
	const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
	// The second field is the program's name in parentheses, and may hold anything; utime is the 14th.
	const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
	const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
	return ticks / TICKS_PER_SECOND;
}

/** Gives the seconds of processor time that one thread has used; a process's first thread has its number. */
export function readThreadCpuSeconds(pid: number, thread: number): number {
	const [nanoseconds = 'NaN'] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ');
	return Number(nanoseconds) / 1e9;
}

function readField(file: string, name: string): number {
	const match = new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(readFileSync(file, 'utf8'));
	return Number(match?.[1] ?? 0);
}

function listDescendants(pid: number): number[] {
	const children: number[] = [];
	try {
		for (const thread of readdirSync(`/proc/${pid}/task`)) {
			const text = readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').trim();
			if (text !== '') children.push(...text.split(' ').map(Number));
		}
	} catch {
		return [];
	}
	return children.flatMap((child) => [child, ...listDescendants(child)]);
}
