import type {Language} from '../mail/index.ts';
import type {NoticeTexts} from './languages/index.ts';
import type {QueuedNotice} from './notice.ts';
import {say, sayHtml, sayTime, type Values} from './say.ts';

/** What a notice is written for. */
interface Reader {
	readonly language: Language;
	/** A zone of the IANA database, where its owner said one. */
	readonly timeZone: unknown;
	/** Where the account's pages are. */
	readonly link: string;
	/** Where the session is approved that waits; absent in mail: who reads somebody's mail approves nothing. */
	readonly approval?: string | undefined;
	/** The code of who sets up a first factor; absent in mail: who reads somebody's mail vouches for nobody. */
	readonly code?: string | undefined;
	/** Whether it is said in one paragraph, as something to be read in passing. */
	readonly isAside?: boolean | undefined;
}

/** A session's name is the client's; what is longer than this is nobody's. */
const NAME_CHARACTERS_MAX = 100;

/** A notice in words. */
export interface Rendered {
	readonly text: string;
	/** The same, for clients that show HTML. */
	readonly html: string;
}

/** Writes a notice: what happened, when, and what to do. It never holds an address of the network. */
export function renderNotice({notice, atTs}: QueuedNotice, reader: Reader): Rendered {
	const {language, timeZone, link, isAside = false} = reader;
	const sentences: (readonly [keyof NoticeTexts, Values?])[] = [
		whatOf(notice, reader),
		['when', {time: sayTime(language, atTs, timeZone)}],
		// Whoever made the link has nothing to fear for their own account.
		...(notice.kind === 'source-ends' ? [] : [['advice', {link}] as const]),
	];
	// The address of the account's pages is shown, so that it is learnt; that of an approval is long, and good once.
	const labels = {approval: say(language, 'approve')};
	const texts = sentences.map(([key, values]) => say(language, key, values));
	const htmls = sentences.map(([key, values = {}]) => sayHtml(language, key, values, labels));
	return isAside
		? {text: texts.join(' '), html: `<p>${htmls.join(' ')}</p>`}
		: {text: texts.join('\n\n'), html: htmls.map((html) => `<p>${html}</p>`).join('')};
}

function whatOf(
	notice: QueuedNotice['notice'],
	{language, approval, code}: Reader,
): readonly [keyof NoticeTexts, Values?] {
	if (notice.kind === 'factor-wanted' && code !== undefined) return ['factor-code', {code}];
	if (notice.kind !== 'sign-in' && notice.kind !== 'session-approved') return [notice.kind];
	const device = nameOf(notice.deviceName) ?? say(language, 'unnamed');
	return notice.kind === 'sign-in' && notice.isWaiting && approval !== undefined
		? ['sign-in-waiting', {device, approval}]
		: [notice.kind, {device}];
}

/** A name on one line. It is what a client said: neither a link nor a sentence of the server's. */
function nameOf(deviceName: string | null): string | undefined {
	const name = (deviceName ?? '').replaceAll(/[\p{C}\s/:]+/gu, ' ').trim();
	return name === '' ? undefined : name.slice(0, NAME_CHARACTERS_MAX).toWellFormed();
}
