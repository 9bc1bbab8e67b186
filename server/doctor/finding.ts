/** What was examined. */
export type Check =
	| 'disk'
	| 'database'
	| 'keys'
	| 'certificates'
	| 'client access'
	| 'well-known'
	| 'dns'
	| 'tls'
	| 'published keys'
	| 'partner'
	| 'clock';

/** One result of an examination. */
export interface Finding {
	readonly check: Check;
	/** `bad`: something does not work. `warning`: it will stop working, or works worse than it could. */
	readonly status: 'good' | 'warning' | 'bad' | 'skipped';
	/** What was found. */
	readonly text: string;
	/** What to do about it. */
	readonly advice?: string;
}

/** Makes the findings of one check. */
export function findingsOf(check: Check) {
	return {
		good: (text: string): Finding => ({check, status: 'good', text}),
		skipped: (text: string): Finding => ({check, status: 'skipped', text}),
		warning: (text: string, advice: string): Finding => ({check, status: 'warning', text, advice}),
		bad: (text: string, advice: string): Finding => ({check, status: 'bad', text, advice}),
	};
}

/** Says what went wrong, with the reasons behind it; they are of the network and the disk, and hold no secrets. */
export function explain(error: unknown): string {
	const texts: string[] = [];
	for (let cause = error; cause instanceof Error && texts.length < 4; cause = cause.cause) texts.push(cause.message);
	return texts.filter((text) => text !== '').join(': ') || 'it failed';
}

const DAY_MS = 86_400_000;
/** Authorities renew certificates a month before their end, so that two weeks mean that renewal fails. */
const RENEWAL_DAYS = 14;

/** Judges how long a certificate is good for. */
export function judgeEnd(check: Check, name: string, endTs: number, nowTs: number): Finding {
	const days = Math.floor((endTs - nowTs) / DAY_MS);
	const {good, warning, bad} = findingsOf(check);
	if (days < 0) return bad(`the certificate of ${name} ended ${-days} days ago`, 'renew it');
	const text = `the certificate of ${name} is good for ${days} days`;
	return days < RENEWAL_DAYS ? warning(text, 'renew it, and see why that did not happen by itself') : good(text);
}
