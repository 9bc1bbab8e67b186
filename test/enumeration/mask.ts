/** Takes out of an answer what is drawn anew for each, so that what is left is the same or tells something. */
import type {Reply} from './wire.ts';

/** What differs from answer to answer whatever was asked: ids, signatures, tokens, times. */
const RANDOM: readonly (readonly [RegExp, string])[] = [
	[/"session":"[^"]*"/gu, '"session":"SESSION"'],
	[/"(pos|next_batch|prev_batch|start|end|delay_id|transaction_id)":"[^"]*"/gu, '"$1":"POSITION"'],
	[/"sid":"[^"]*"/gu, '"sid":"SESSION"'],
	[/"(access_token|refresh_token)":"[^"]*"/gu, '"$1":"TOKEN"'],
	[/\$[\w+/-]{43}(?![\w+/-])/gu, '$EVENT'],
	[/\$\w+:[\w.:-]+/gu, '$EVENT'],
	[/!(?:[\w-]{43}|[\w-]+:[\w.:-]+)/gu, '!ROOM'],
	[/"[A-Za-z0-9+/]{86}"/gu, '"SIGNATURE"'],
	[/"[A-Za-z0-9+/]{43}"/gu, '"HASH"'],
	[/(?<="(?:origin_server_ts|depth|age)":)\d+/gu, '0'],
];

/** How long a limited caller is to wait differs by the time that went by between their requests. */
const WAIT = /"retry_after_ms":(\d+)/gu;

/** Rounds seconds up to two digits, the second of which is 5 or 0, so that a busy machine makes no difference. */
function roundWait(seconds: number): number {
	const step = Math.max(1, 10 ** Math.floor(Math.log10(Math.max(1, seconds))) / 2);
	return Math.ceil(seconds / step) * step;
}

/** Replaces a name in all forms in which an answer may have it, and everything random. */
export function maskText(text: string, name: string): string {
	let masked = text;
	const localpart = /^[@#]([^:]+):/u.exec(name)?.[1];
	const asPath = name.split('/').map(encodeURIComponent).join('/');
	for (const form of [name, encodeURIComponent(name), asPath, localpart]) {
		if (form !== undefined) masked = masked.replaceAll(form, 'NAME');
	}
	for (const [pattern, word] of RANDOM) masked = masked.replace(pattern, word);
	return masked.replace(WAIT, (_, ms: string) => `"retry_after":${roundWait(Number(ms) / 1000)}`);
}

/**
 * Writes all that can be seen of an answer as one text. The length stays in it, unless the answer has the name in it, whose
 * length is the asker's own doing, or something random that differs in length.
 */
export function maskReply({status, headers, text}: Reply, name: string): string {
	const masked = maskText(text, name);
	const isLengthTelling = masked === text;
	const seen = headers
		.filter(([header]) => isLengthTelling || header !== 'content-length')
		.map(([header, value]) =>
			header === 'retry-after' ? `${header}: ${roundWait(Number(value))}` : `${header}: ${maskText(value, name)}`,
		);
	return [`${status}`, ...seen, '', masked].join('\n');
}
