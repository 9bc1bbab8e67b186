import type {Language} from '../mail/index.ts';
import type {QueuedNotice} from './notice.ts';
import {say, sayTime} from './say.ts';

/** What a notice is written for. */
interface Reader {
	readonly language: Language;
	/** A zone of the IANA database, where its owner said one. */
	readonly timeZone: unknown;
	/** Where the account's pages are. */
	readonly link: string;
	/** Where the session is approved that waits; absent in mail: who reads somebody's mail approves nothing. */
	readonly approval?: string | undefined;
}

/** A session's name is the client's; what is longer than this is nobody's. */
const NAME_CHARACTERS_MAX = 100;

/** Gives the text of a notice: what happened, when, and what to do. It never holds an address of the network. */
export function renderNotice({notice, atTs}: QueuedNotice, {language, timeZone, link, approval}: Reader): string {
	return [
		sayWhat(notice, language, approval),
		say(language, 'when', {time: sayTime(language, atTs, timeZone)}),
		// Whoever made the link has nothing to fear for their own account.
		...(notice.kind === 'source-ends' ? [] : [say(language, 'advice', {link})]),
	].join('\n\n');
}

function sayWhat(notice: QueuedNotice['notice'], language: Language, approval: string | undefined): string {
	if (notice.kind !== 'sign-in' && notice.kind !== 'session-approved') return say(language, notice.kind);
	const device = nameOf(notice.deviceName) ?? say(language, 'unnamed');
	return notice.kind === 'sign-in' && notice.isWaiting && approval !== undefined
		? say(language, 'sign-in-waiting', {device, approval})
		: say(language, notice.kind, {device});
}

/** A name on one line. It is what a client said: neither a link nor a sentence of the server's. */
function nameOf(deviceName: string | null): string | undefined {
	const name = (deviceName ?? '').replaceAll(/[\p{C}\s/:]+/gu, ' ').trim();
	return name === '' ? undefined : name.slice(0, NAME_CHARACTERS_MAX).toWellFormed();
}
