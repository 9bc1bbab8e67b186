import type {IncomingHttpHeaders} from 'node:http';
import type {ByteRange} from '../../media/index.ts';

/** Digits of a position in a file; more would not be a number that can be counted with. */
const rangeForm = /^bytes=(?<start>\d{0,15})-(?<end>\d{0,15})$/u;

/**
 * Finds the part of a file that a request asks for: `undefined` for the whole, `none` where the file has no such part.
 * Several parts at once are answered with the whole, as is a range of a file that was another one.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-14.2
 */
export function findRange(
	{range, 'if-range': ifRange}: IncomingHttpHeaders,
	tag: string,
	sizeBytes: number,
): ByteRange | 'none' | undefined {
	if (range === undefined || (ifRange !== undefined && ifRange !== tag)) return undefined;
	const groups = rangeForm.exec(range)?.groups;
	const first = groups?.['start'] ?? '';
	const last = groups?.['end'] ?? '';
	if (first === '' && last === '') return undefined;
	if (first === '') {
		const count = Math.min(Number(last), sizeBytes);
		return count === 0 ? 'none' : {start: sizeBytes - count, end: sizeBytes - 1};
	}
	const start = Number(first);
	const end = last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
	// The end before the beginning is no range at all, rather than one that the file lacks.
	if (last !== '' && Number(last) < start) return undefined;
	return start >= sizeBytes ? 'none' : {start, end};
}

/** Whether a list of tags, as in `If-None-Match`, names one; there a weak tag is as good as a strong one. */
export function namesTag(list: string | undefined, tag: string): boolean {
	return (list ?? '').split(',').some((item) => item.trim() === '*' || item.trim().replace(/^W\//u, '') === tag);
}
