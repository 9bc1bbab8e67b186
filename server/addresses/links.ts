import {hashToken, isToken, type JsonObject, newToken, type RandomBytes} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import type {MailBucket, MailValidationRow, Storage} from '../../storage/index.ts';
import {findLanguage, defaultLanguage, type Mail, MailError} from '../mail/index.ts';
import type {LinkMail, Notices} from '../notices/index.ts';

/** The kind of the background job that mails a link. */
export const MAIL_LINK = 'mail-link';

const MINUTE_MS = 60_000;
/** Long enough for a relay that wants a mail twice, short enough that a mailbox opened later holds nothing. */
export const LINK_LIFETIME_MS = 30 * MINUTE_MS;
/** Mails with links that are fresh, to one address by one bucket: nobody's mailbox is filled through this server. */
export const FRESH_MAILS_MAX = 3;
/**
 * So long a link must be good yet to stand against another mail. Whoever gets none, because strangers have asked, has
 * the last link of theirs in the mailbox, and the time to use it.
 */
const FRESH_MS = 10 * MINUTE_MS;
/** Wrong answers with one link: then it is good no more. */
export const LINK_FAILURES_MAX = 5;

/** What links are sent with. */
export interface LinkDependencies {
	readonly storage: Storage;
	readonly clock: Clock;
	readonly random: RandomBytes;
	readonly mail: Mail;
	readonly notices: Pick<Notices, 'writeLinkMail'>;
	/** Where browsers reach this server. */
	readonly publicUrl: string;
}

/** A link that somebody asked for. */
export interface WantedLink extends Pick<MailValidationRow, 'sid' | 'purpose' | 'userId' | 'address' | 'askerHash'> {
	readonly language: string;
	/** Which of the client's tries it is; a mail is sent for each once. */
	readonly sendAttempt: number;
	/** When it was asked for. */
	readonly askedTs: number;
	/** Links that are fresh keep another one from being sent from so many on. Default: {@link FRESH_MAILS_MAX}. */
	readonly freshMax?: number;
}

/** What each link is about, and where it leads. */
const pages: Readonly<Record<MailValidationRow['purpose'], {readonly mail: LinkMail; readonly path: string}>> = {
	address: {mail: 'confirm', path: '/account/email/confirm'},
	password: {mail: 'recover', path: '/account/recover'},
	recovery: {mail: 'recover', path: '/account/recover'},
};

/** Reads a text out of what a job was given; empty where there is none. */
export function textOf(payload: JsonObject, key: string): string {
	const value = payload[key];
	return typeof value === 'string' ? value : '';
}

/**
 * Makes a link and mails it; nothing happens where it was sent already, the address has been sent enough, or it is too
 * late. Only the link's hash is stored, so a mail that has to be sent again has another link.
 * @returns whether a mail was sent
 * @throws MailError 'unavailable'
 */
export async function sendLink(
	{storage, clock, random, mail, notices, publicUrl}: LinkDependencies,
	{askedTs, sendAttempt, freshMax = FRESH_MAILS_MAX, ...wanted}: WantedLink,
): Promise<boolean> {
	const nowMs = clock.now();
	const {sid, address, purpose} = wanted;
	if (!mail.isOn || nowMs - askedTs > LINK_LIFETIME_MS) return false;
	const before = await storage.mailValidations.find(sid);
	if (before !== undefined && (before.isConfirmed || before.sendAttempt >= sendAttempt)) return false;
	const fresh = {bucket: bucketOf(wanted), beyondTs: nowMs + FRESH_MS};
	if ((await storage.mailValidations.countMails(address, fresh)) >= freshMax) return false;
	const token = newToken('mail', random);
	const row = {
		...wanted,
		tokenHash: hashToken(token),
		failures: before?.failures ?? 0,
		isConfirmed: false,
		expiresTs: nowMs + LINK_LIFETIME_MS,
	};
	const mails = before?.mails ?? 0;
	// Until the relay has it the try counts as not made, and the mail as made: others may be on their way beside it.
	const isTried = {...row, sendAttempt: before?.sendAttempt ?? -1};
	await write(storage, {...isTried, mails: mails + 1});
	const page = pages[purpose];
	const url = `${publicUrl}${page.path}/${token}`;
	const language = findLanguage(wanted.language) ?? defaultLanguage;
	try {
		await mail.send(notices.writeLinkMail(page.mail, address, language, {url, minutes: LINK_LIFETIME_MS / MINUTE_MS}));
	} catch (error) {
		if (error instanceof MailError && error.code !== 'unavailable') return false;
		await write(storage, {...isTried, mails});
		throw error;
	}
	await write(storage, {...row, sendAttempt, mails: mails + 1});
	return true;
}

function bucketOf({purpose, userId}: Pick<WantedLink, 'purpose' | 'userId'>): MailBucket {
	if (userId === null) return 'anybody';
	return purpose === 'address' ? 'people' : userId;
}

async function write(storage: Storage, row: MailValidationRow): Promise<void> {
	const batch = storage.batch();
	storage.mailValidations.set(batch, row);
	await storage.commit(batch);
}

/** Finds what a link is for; `undefined` where it is unknown, was used, has ended, or had too many wrong answers. */
export async function findLink(
	{storage, clock}: Pick<LinkDependencies, 'clock' | 'storage'>,
	token: string,
): Promise<MailValidationRow | undefined> {
	const row = isToken(token, 'mail') ? await storage.mailValidations.findByToken(hashToken(token)) : undefined;
	return row !== undefined && row.expiresTs > clock.now() && row.failures < LINK_FAILURES_MAX ? row : undefined;
}
