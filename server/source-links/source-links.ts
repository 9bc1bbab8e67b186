import {
	domainOf,
	hashToken,
	isToken,
	localpartOf,
	newToken,
	type RandomBytes,
	type ServerName,
	type UserId,
} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import type {AccountRow, SourceLinkRow, SourceRow, Storage} from '../../storage/index.ts';
import type {Accounts} from '../accounts/index.ts';
import type {Audit, AuditActor} from '../audit/index.ts';
import type {Config} from '../config/index.ts';
import type {NoticeQueue} from '../notices/index.ts';
import type {Rooms} from '../rooms/index.ts';
import type {SourceNames} from '../visibility/index.ts';
import {type EndingRun, endDueSources, endSource, removeUsedUp} from './end-sources.ts';
import {SourceLinksError} from './errors.ts';
import {createHolder, type SourceHolder} from './hold.ts';
import {inventPassword, openLink, shortLinkId, type SourceAccount} from './open-link.ts';

/** Links of one person that are open at a time. */
const LINKS_MAX = 100;
/** People beside the link's maker: a story has an editor, a lawyer and some more. */
const MEMBERS_MAX = 50;
/** Accounts that one link gives at most. */
const USES_MAX = 100;
const NAME_LENGTH_MAX = 100;
const DAY_MS = 86_400_000;

/** What the domain is built from. */
export interface SourceLinksDependencies {
	readonly storage: Storage;
	readonly accounts: Pick<Accounts, 'changePassword' | 'deactivate' | 'find' | 'inventName'>;
	readonly audit: Pick<Audit, 'note'>;
	readonly rooms: Pick<Rooms, 'create' | 'invite' | 'join'>;
	readonly names: SourceNames;
	readonly notices: NoticeQueue;
	readonly clock: Clock;
	readonly random: RandomBytes;
	readonly serverName: ServerName;
	readonly publicUrl: string;
	/** Absent: nobody makes or opens links. Accounts that there are end as they would. */
	readonly settings: Config['sourceLinks'];
}

/** A link as its maker wishes it. */
export interface NewSourceLink {
	/** What its maker calls it; nobody else is shown it. At most 100 characters. */
	readonly name: string;
	/** Who is invited to the room of each account, beside the maker. At most 50. */
	readonly members?: readonly UserId[] | undefined;
	/** Accounts that it gives, each with a room of its own. Default 1, at most 100. */
	readonly uses?: number | undefined;
	/** For how many days it can be opened. Default and bound: as the configuration says. */
	readonly days?: number | undefined;
	/** For how many days an account lasts. Default and bound: as the configuration says. */
	readonly accountDays?: number | undefined;
	/** After how many days without use an account ends. Default: as the configuration says. */
	readonly silenceDays?: number | undefined;
	/** Whether people of other servers may be in the rooms. Default: no. */
	readonly federates?: boolean | undefined;
}

/** A link that was made. The address is given this once: only its hash is kept. */
export interface MadeSourceLink {
	readonly linkId: string;
	readonly url: string;
	readonly expiresTs: number;
}

/** Links by which sources get an account for one encrypted room with chosen people, and nothing else. */
export interface SourceLinks extends SourceHolder {
	/** Whether somebody may make links. */
	mayMake(userId: UserId): Promise<boolean>;
	/**
	 * Makes a link. @param by who makes it, for the audit log; default: its owner
	 * @throws SourceLinksError 'not-allowed', 'invalid-link', 'too-many'
	 */
	create(owner: UserId, link: NewSourceLink, by?: AuditActor): Promise<MadeSourceLink>;
	/** Lists somebody's links that can still be opened; those that are used up are with the accounts that they have given. */
	listLinks(owner: UserId): Promise<SourceLinkRow[]>;
	/** Lists the accounts that somebody's links have given, as long as they last. */
	listSources(owner: UserId): Promise<SourceRow[]>;
	/** Takes a link back; accounts that it gave stay. Nothing happens where it is not theirs. */
	remove(owner: UserId, linkId: string): Promise<void>;
	/** Whether a link can be opened now. */
	isOpen(token: string): Promise<boolean>;
	/** Opens a link: makes an account, and its room. @throws SourceLinksError 'gone', 'too-many' */
	open(token: string): Promise<SourceAccount>;
	/** Finds what a source is told of its account; `undefined`: it is none of a link. */
	findAccount(userId: UserId): Promise<SourceAccount | undefined>;
	/**
	 * Makes a password of a source's account, in place of the one before, and gives it this once.
	 * @param keepsWebSession the hash of the browser's session that stays
	 * @throws SourceLinksError 'gone' where it is no account of a link
	 */
	makePassword(userId: UserId, keepsWebSession: string): Promise<string>;
	/** Ends an account before its time, and erases it. @throws SourceLinksError 'gone' where it is not of a link of theirs */
	end(owner: UserId, source: UserId): Promise<void>;
	/** Ends the accounts whose time has come, and tells owners of those whose time comes soon; how many ended. */
	endDue(run: EndingRun): Promise<number>;
}

/** Makes the domain. */
export function createSourceLinks(dependencies: SourceLinksDependencies): SourceLinks {
	const {storage, accounts, audit, clock, random} = dependencies;

	async function findOpen(token: string): Promise<SourceLinkRow | undefined> {
		const link = isToken(token, 'source') ? await storage.sourceLinks.findLink(hashToken(token)) : undefined;
		if (link === undefined || !canBeOpened(link, clock.now())) return undefined;
		return (await findMaker(dependencies, link.userId)) === undefined ? undefined : link;
	}

	return {
		...createHolder(dependencies),
		mayMake: async (userId) => (await findMaker(dependencies, userId)) !== undefined,
		create: (owner, link, by = owner) => create(dependencies, owner, link, by),
		async listLinks(owner) {
			return (await storage.sourceLinks.listLinksOf(owner)).filter((link) => canBeOpened(link, clock.now()));
		},
		listSources: (owner) => storage.sourceLinks.listSourcesOf(owner),
		async remove(owner, linkId) {
			if ((await storage.sourceLinks.findLink(linkId))?.userId !== owner) return;
			const batch = storage.batch();
			storage.sourceLinks.removeLink(batch, owner, linkId);
			audit.note(batch, {who: owner, act: 'remove-source-link', whom: owner, details: {link: shortLinkId(linkId)}});
			await storage.commit(batch);
		},
		isOpen: async (token) => (await findOpen(token)) !== undefined,
		async open(token) {
			const link = await findOpen(token);
			const maker = link && (await findMaker(dependencies, link.userId));
			if (link === undefined || maker === undefined) {
				throw new SourceLinksError('gone', 'The link was used up or has ended');
			}
			return openLink(dependencies, link, maker);
		},
		async findAccount(userId) {
			const source = await storage.sourceLinks.findSource(userId);
			return source && {userId, endsTs: source.endsTs, silenceDays: source.silenceDays};
		},
		async makePassword(userId, keepsWebSession) {
			if ((await storage.sourceLinks.findSource(userId)) === undefined) {
				throw new SourceLinksError('gone', 'The account is none of a link');
			}
			const password = inventPassword(random);
			await accounts.changePassword(userId, password, {endsOtherSessions: false, keepsWebSession});
			return password;
		},
		async end(owner, userId) {
			const source = await storage.sourceLinks.findSource(userId);
			if (source?.owner !== owner) throw new SourceLinksError('gone', 'No link of yours has given such an account');
			await endSource(dependencies, source, owner);
		},
		endDue: (run) => endDueSources(dependencies, run),
	};
}

/** Finds the account of somebody who may make links now. */
async function findMaker(
	{accounts, settings}: SourceLinksDependencies,
	userId: UserId,
): Promise<AccountRow | undefined> {
	if (settings === undefined) return undefined;
	const account = await accounts.find(userId);
	if (account === undefined || account.isDeactivated || account.isLocked || account.isSuspended) return undefined;
	return account.isAdmin || settings.who.includes(localpartOf(userId)) ? account : undefined;
}

async function create(
	dependencies: SourceLinksDependencies,
	owner: UserId,
	link: NewSourceLink,
	by: AuditActor,
): Promise<MadeSourceLink> {
	const {storage, audit, clock, random, publicUrl, settings} = dependencies;
	if (settings === undefined || (await findMaker(dependencies, owner)) === undefined) {
		throw new SourceLinksError('not-allowed', 'You may not make source links on this server');
	}
	const {daysMax} = settings;
	const {days = daysMax, accountDays = daysMax, silenceDays = settings.silenceDays, uses = 1} = link;
	const {name, federates = false} = link;
	const members = [...new Set(link.members)].filter((member) => member !== owner);
	mustBeWithin('name', name.length, {min: 1, max: NAME_LENGTH_MAX});
	mustBeWithin('members', members.length, {min: 0, max: MEMBERS_MAX});
	mustBeWithin('uses', uses, {min: 1, max: USES_MAX});
	mustBeWithin('days', days, {min: 1, max: daysMax});
	mustBeWithin('account_days', accountDays, {min: 1, max: daysMax});
	mustBeWithin('silence_days', silenceDays, {min: 1, max: daysMax});
	mustStayHere(dependencies, federates, members);
	const links = await storage.sourceLinks.listLinksOf(owner);
	if (links.filter((known) => canBeOpened(known, clock.now())).length >= LINKS_MAX) {
		throw new SourceLinksError('too-many', `Expected fewer than ${LINKS_MAX} links: take one back first`);
	}
	const token = newToken('source', random);
	const linkId = hashToken(token);
	const expiresTs = clock.now() + days * DAY_MS;
	const limits = {usesAllowed: uses, usesDone: 0, expiresTs, accountDays, silenceDays};
	const batch = storage.batch();
	removeUsedUp(dependencies, batch, links);
	storage.sourceLinks.addLink(batch, {linkId, userId: owner, name, members, federates, ...limits});
	const details = {link: shortLinkId(linkId), uses, days};
	audit.note(batch, {who: by, act: 'create-source-link', whom: owner, details});
	await storage.commit(batch);
	return {linkId, url: `${publicUrl}/source/${token}`, expiresTs};
}

function canBeOpened({expiresTs, usesDone, usesAllowed}: SourceLinkRow, nowMs: number): boolean {
	return expiresTs > nowMs && usesDone < usesAllowed;
}

function mustBeWithin(what: string, value: number, {min, max}: {readonly min: number; readonly max: number}): void {
	if (Number.isInteger(value) && value >= min && value <= max) return;
	throw new SourceLinksError('invalid-link', `${what}: expected from ${min} to ${max}, got ${value}`);
}

function mustStayHere(
	{serverName, settings}: SourceLinksDependencies,
	federates: boolean,
	members: readonly UserId[],
): void {
	if (federates && settings?.allowsFederation !== true) {
		throw new SourceLinksError('invalid-link', 'federates: this server keeps sources to itself (allow_federation)');
	}
	if (!federates && members.some((member) => domainOf(member) !== serverName)) {
		throw new SourceLinksError('invalid-link', 'members: expected people of this server alone, or federates');
	}
}
