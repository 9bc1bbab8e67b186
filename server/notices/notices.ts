import {
	type EventId,
	hashToken,
	type JsonObject,
	newToken,
	type RandomBytes,
	type ServerName,
	type UserId,
} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import type {AccountRow, Storage} from '../../storage/index.ts';
import type {AccountData} from '../account-data/index.ts';
import type {ServerNoticesConfig} from '../config/index.ts';
import {defaultLanguage, findLanguage, type Language, type Letter, type Mail, MailError} from '../mail/index.ts';
import type {Rooms} from '../rooms/index.ts';
import {type AccountNotice, type NoticeQueue, type QueuedNotice, readQueued} from './notice.ts';
import {renderNotice} from './render.ts';
import {prepareSender, tell} from './room.ts';
import {say} from './say.ts';
import {hasBeenUsed, hasOtherSession} from './sessions.ts';

const DAY_MS = 86_400_000;
/** News of an account that could not be told for so long is no news. */
const TOLD_FOR_MS = 2 * DAY_MS;

/** Where a person's choice of language is kept, among their account data. */
const LANGUAGE_TYPE = 'org.broadsheet.language';

/** What a mail with a link is about. */
export type LinkMail = 'confirm' | 'recover';

/** What notices are made with. */
export interface NoticesDependencies {
	readonly storage: Storage;
	readonly rooms: Pick<Rooms, 'create' | 'invite' | 'join' | 'send'>;
	readonly accountData: AccountData;
	readonly mail: Mail;
	readonly queue: NoticeQueue;
	readonly clock: Clock;
	readonly random: RandomBytes;
	readonly serverName: ServerName;
	readonly settings: ServerNoticesConfig;
	/** Gives a code for a person's sessions by which they set up a first factor; `undefined` where they need none. */
	readonly createCode: (userId: UserId) => Promise<string | undefined>;
	/** Where clients and browsers reach this server. */
	readonly publicUrl: string;
	/** Told, once, that the user who sends notices cannot be made. */
	readonly onProblem: (problem: Error) => void;
}

/** Tells people what happens to their accounts. */
export interface Notices extends NoticeQueue {
	/**
	 * Tells a person's other sessions what a job was given; `repetition` names the job. Where there is none it waits in the room
	 * for the next one. False where there is nothing to tell.
	 */
	tellSessions(payload: JsonObject, repetition: string): Promise<boolean>;
	/**
	 * Writes to a person in the room of their notices. @param repetition the same words with it are sent once
	 * @returns the event; `undefined` where there are no notices, or nobody is left to be told
	 */
	sendText(userId: UserId, text: string, repetition: string): Promise<EventId | undefined>;
	/** Mails what a job was given. False where there is no address, or it is too late. @throws MailError 'unavailable' */
	mailNotice(payload: JsonObject): Promise<boolean>;
	/** Writes the mail in which a link is sent to an address. */
	writeLinkMail(
		mail: LinkMail,
		to: string,
		language: Language,
		link: {readonly url: string; readonly minutes: number},
	): Letter;
	/** Gives the language that a person is written to in: what they chose, else that of their address. */
	languageOf(userId: UserId): Promise<Language>;
	/** Keeps the language that a person chose. */
	setLanguage(userId: UserId, language: Language): Promise<void>;
}

/** Gives who sends the notices of a server; `undefined` where there are none. */
export function noticesSender({isEnabled, localpart}: ServerNoticesConfig, serverName: ServerName): UserId | undefined {
	// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its form is checked where the settings are read
	return isEnabled ? (`@${localpart}:${serverName}` as UserId) : undefined;
}

/** Makes what tells people of their accounts. */
export function createNotices(dependencies: NoticesDependencies): Notices {
	const {storage, accountData, clock, serverName} = dependencies;
	const teller = createTeller(dependencies, languageOf);
	const languageKey = (userId: UserId) => ({userId, roomId: null, type: LANGUAGE_TYPE});

	async function languageOf(userId: UserId): Promise<Language> {
		const chosen = findLanguage((await accountData.find(languageKey(userId)))?.['language']);
		return chosen ?? findLanguage((await storage.mailAddresses.find(userId))?.language) ?? defaultLanguage;
	}

	return {
		add: (batch, userId, notice) => dependencies.queue.add(batch, userId, notice),
		languageOf,
		setLanguage: (userId, language) => accountData.update(languageKey(userId), () => ({language})),
		...teller,
		mailNotice: createMailer(dependencies, languageOf),
		writeLinkMail(mail, to, language, {url, minutes}) {
			const server = dependencies.serverName;
			return {
				to,
				language,
				subject: say(language, mail === 'confirm' ? 'confirmSubject' : 'recoverSubject', {server}),
				text: say(language, mail === 'confirm' ? 'confirmText' : 'recoverText', {
					server: serverName,
					minutes,
					link: url,
				}),
			};
		},
	};

	function createMailer(
		{mail, publicUrl}: NoticesDependencies,
		findLanguageOf: (userId: UserId) => Promise<Language>,
	): Notices['mailNotice'] {
		return async (payload) => {
			const queued = readQueued(payload);
			if (queued === undefined || clock.now() - queued.atTs > TOLD_FOR_MS) return false;
			const {userId, notice} = queued;
			const former = 'formerAddress' in notice ? notice.formerAddress : undefined;
			const to = former ?? (await storage.mailAddresses.find(userId))?.address;
			if (to === undefined || !mail.isOn) return false;
			const language = await findLanguageOf(userId);
			const {'m.tz': timeZone} = await storage.profiles.find(userId);
			const {text} = renderNotice(queued, {language, timeZone, link: `${publicUrl}/account`});
			try {
				await mail.send({to, language, subject: say(language, 'subject', {server: serverName}), text});
				return true;
			} catch (error) {
				if (error instanceof MailError && error.code === 'refused') return false;
				throw error;
			}
		};
	}
}

function createTeller(
	dependencies: NoticesDependencies,
	languageOf: (userId: UserId) => Promise<Language>,
): Pick<Notices, 'sendText' | 'tellSessions'> {
	const {storage, clock, publicUrl, serverName, settings, onProblem} = dependencies;
	const sender = noticesSender(settings, serverName);
	const inTurn = createTurns();
	let preparing: Promise<boolean> = Promise.resolve(true);
	let isToldOf = false;

	/** Gives what a person is told with; `undefined` where nobody can tell them. */
	async function prepare(userId: UserId) {
		if (sender === undefined || userId === sender) return undefined;
		if (!isReachable(await storage.accounts.find(userId))) return undefined;
		const language = await languageOf(userId);
		const parts = {
			...dependencies,
			sender,
			senderName: settings.name,
			nowDay: () => Math.floor(clock.now() / DAY_MS),
		};
		// One after the other as well: the first two people who are told would both make the sender.
		preparing = preparing.then(
			() => prepareSender(parts, language),
			() => prepareSender(parts, language),
		);
		if (await preparing) return {parts, language};
		if (!isToldOf) onProblem(new Error(`server_notices.localpart: the name ${settings.localpart} is somebody's`));
		isToldOf = true;
		return undefined;
	}

	async function tellNow(queued: QueuedNotice, repetition: string): Promise<boolean> {
		const {userId, notice, atTs} = queued;
		if (clock.now() - atTs > TOLD_FOR_MS) return false;
		const isSeen = await hasOtherSession(storage, userId, notice.deviceId);
		if (!isSeen && !(await isKept(storage, queued))) return false;
		const prepared = await prepare(userId);
		if (prepared === undefined) return false;
		const {parts, language} = prepared;
		const {'m.tz': timeZone} = await storage.profiles.find(userId);
		const approval = isSeen ? await makeApproval(dependencies, queued) : undefined;
		const code = notice.kind === 'factor-wanted' ? await dependencies.createCode(userId) : undefined;
		const reader = {
			language,
			timeZone,
			link: `${publicUrl}/account`,
			approval,
			code,
			isAside: !isSeen && isOwnDoing(notice),
		};
		await tell(parts, userId, {...renderNotice(queued, reader), language, repetition, isAside: reader.isAside});
		return true;
	}

	return {
		async tellSessions(payload, repetition) {
			const queued = readQueued(payload);
			return queued !== undefined && (await inTurn(queued.userId, () => tellNow(queued, repetition)));
		},
		sendText: (userId, text, repetition) =>
			inTurn(userId, async () => {
				const prepared = await prepare(userId);
				return prepared && tell(prepared.parts, userId, {text, language: prepared.language, repetition});
			}),
	};
}

/** Lets one notice to a person be told after the other: two at once would make two rooms. */
function createTurns(): <T>(userId: UserId, task: () => Promise<T>) => Promise<T> {
	const turns = new Map<UserId, Promise<unknown>>();
	return async (userId, task) => {
		const turn = (turns.get(userId) ?? Promise.resolve()).then(task, task);
		turns.set(userId, turn);
		try {
			return await turn;
		} finally {
			if (turns.get(userId) === turn) turns.delete(userId);
		}
	};
}

function isReachable(account: AccountRow | undefined): account is AccountRow {
	return account !== undefined && !account.isDeactivated && !account.isGuest;
}

/**
 * Whether a notice that no session sees now is told all the same: the room keeps it for the next one, and a thief who ends the
 * only session of an account, or comes while there is none, can neither remove it nor refuse the invite to the room. Who
 * begins to use an account is told nothing, and nobody is left for whom a code would be of use.
 */
async function isKept(storage: Storage, {userId, notice}: QueuedNotice): Promise<boolean> {
	if (notice.kind === 'sign-in') return !notice.isFirst;
	return notice.kind !== 'factor-wanted' && (await hasBeenUsed(storage, userId));
}

/**
 * Whether most often the person who reads it has just done it: who comes back and signs in is not to be startled by that. Who
 * was signed out by it is.
 */
function isOwnDoing(notice: AccountNotice): boolean {
	if (notice.kind === 'sign-in') return !notice.endsSession;
	return notice.kind === 'browser-sign-in' || notice.deviceId !== undefined;
}

/** Makes the link by which another session approves one that waits; a link from before is good no more. */
async function makeApproval(
	{storage, random, publicUrl}: NoticesDependencies,
	{userId, notice}: QueuedNotice,
): Promise<string | undefined> {
	if (notice.kind !== 'sign-in' || !notice.isWaiting) return undefined;
	const {deviceId} = notice;
	const token = newToken('approval', random);
	const batch = storage.batch();
	storage.quarantinedDevices.setCode(batch, {userId, deviceId, codeHash: hashToken(token)});
	await storage.commit(batch);
	return `${publicUrl}/account/approve/${token}`;
}
