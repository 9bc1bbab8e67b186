import type {RandomBytes} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import type {Storage} from '../../storage/index.ts';
import {createAddresses} from '../addresses/index.ts';
import type {Config} from '../config/index.ts';
import {createMail} from '../mail/index.ts';
import {createNoticeQueue, createNotices, type NoticeQueue} from '../notices/index.ts';
import {createQuarantine, type Quarantine} from '../quarantine/index.ts';
import {createRecovery} from '../recovery/index.ts';
import type {Services} from '../services.ts';
import type {Logger} from '../telemetry/index.ts';
import type {Discretion} from './visibility.ts';

/** What everything here is built with. */
interface GuardParts {
	readonly clock: Clock;
	readonly random: RandomBytes;
}

/** Builds where domains say what happened to an account: before them, for they are built with it. */
export function wireNoticeQueue(
	{serverNotices, smtp}: Config,
	storage: Storage,
	{clock, random, sources}: GuardParts & Pick<Discretion, 'sources'>,
): NoticeQueue {
	return createNoticeQueue({
		storage,
		clock,
		random,
		tellsSessions: serverNotices.isEnabled,
		sendsMail: smtp !== undefined,
		isTold: (userId) => !sources.has(userId),
	});
}

/** Builds what lets new sessions wait: before devices, which tell it of every session. */
export function wireQuarantine(
	{quarantine: isOn}: Config,
	storage: Storage,
	{
		clock,
		queue,
		secondFactor,
		sources,
	}: Pick<GuardParts, 'clock'> &
		Pick<Services, 'secondFactor'> &
		Pick<Discretion, 'sources'> & {readonly queue: NoticeQueue},
): Quarantine {
	return createQuarantine({
		storage,
		clock,
		notices: queue,
		isOn,
		isExempt: (userId) => sources.has(userId),
		approvers: secondFactor,
	});
}

/** Builds what people notice by when somebody else is at their account. */
export function wireGuard(
	{serverName, serverNotices, smtp, publicUrl}: Config,
	storage: Storage,
	{
		log,
		...parts
	}: GuardParts &
		Pick<Services, 'accountData' | 'accounts' | 'rooms' | 'secondFactor'> & {
			readonly queue: NoticeQueue;
			readonly log: Pick<Logger, 'warn'>;
		},
): Pick<Services, 'addresses' | 'notices' | 'recovery'> {
	const mail = createMail({smtp, serverName});
	const notices = createNotices({
		...parts,
		storage,
		serverName,
		publicUrl,
		settings: serverNotices,
		createCode: (userId) => parts.secondFactor.createCodeForSessions(userId),
		mail,
		onProblem: (problem) => log.warn({err: problem}, 'Nobody is told of their account in a room'),
	});
	const known = {...parts, storage, mail, notices, publicUrl};
	return {notices, addresses: createAddresses(known), recovery: createRecovery(known)};
}
