import {newOpaqueId, type RandomBytes, type RoomId, type UserId} from '../../crypto/index.ts';
import {EngineError} from '../../federation/engine/index.ts';
import {type AccountRow, type Batch, ConflictError, type SourceLinkRow} from '../../storage/index.ts';
import {SOURCE} from '../audit/index.ts';
import {RoomsError} from '../rooms/index.ts';
import {FactsSpentError} from '../visibility/index.ts';
import {SourceLinksError} from './errors.ts';
import type {SourceLinksDependencies} from './source-links.ts';

/** Accounts of sources that there are at a time; all their names are in memory. */
const SOURCES_MAX = 10_000;
const DAY_MS = 86_400_000;

/** An account as its source is shown it. */
export interface SourceAccount {
	readonly userId: UserId;
	/** When it ends at the latest, in milliseconds. */
	readonly endsTs: number;
	/** After how many days without use it ends before that. */
	readonly silenceDays: number;
}

/**
 * Makes an account of a link, and the room that it is for. Account, room and the use of the link are one commit; the
 * source is in the room and the others are invited right after it, and where that fails they enter by themselves.
 */
export async function openLink(
	dependencies: SourceLinksDependencies,
	link: SourceLinkRow,
	maker: AccountRow,
): Promise<SourceAccount> {
	const {accounts, rooms, names, clock} = dependencies;
	if (names.count >= SOURCES_MAX) throw new SourceLinksError('too-many', 'No more sources can be taken just now');
	const userId = accounts.inventName();
	const endsTs = clock.now() + link.accountDays * DAY_MS;
	const actor = {userId: maker.userId, isAdmin: maker.isAdmin, isGuest: false, isSuspended: false};
	const roomId = await rooms
		.create(actor, {
			preset: 'private_chat',
			invite: [userId],
			newcomers: [userId],
			initialState: [
				{type: 'm.room.encryption', content: {algorithm: 'm.megolm.v1.aes-sha2'}},
				{type: 'm.room.history_visibility', content: {history_visibility: 'invited'}},
				{type: 'm.room.guest_access', content: {guest_access: 'forbidden'}},
			],
			creationContent: link.federates ? {} : {'m.federate': false},
			powerLevelOverride: {invite: 50},
			alsoWrite: (batch, room) => addAccount(dependencies, batch, link, {userId, endsTs, roomId: room}),
		})
		.catch((cause: unknown) => {
			if (!(cause instanceof ConflictError) || cause.condition !== 'source_link') throw cause;
			throw new SourceLinksError('gone', 'The link was used up or has ended', {cause});
		});
	await tolerate(rooms.join({userId, isAdmin: false, isGuest: false, isSuspended: false}, roomId));
	for (const member of link.members) await tolerate(rooms.invite(actor, roomId, member));
	return {userId, endsTs, silenceDays: link.silenceDays};
}

/** Adds to the room's batch the account of the source, who takes no invites but this. */
function addAccount(
	{storage, clock, audit}: SourceLinksDependencies,
	batch: Batch,
	{linkId, userId: owner, name, silenceDays}: SourceLinkRow,
	{userId, endsTs, roomId}: {readonly userId: UserId; readonly endsTs: number; readonly roomId: RoomId},
): void {
	storage.sourceLinks.redeemLink(batch, linkId, clock.now());
	// Whose link it was, and the day: the account's name and the minute would lead from the log to who came.
	audit.note(batch, {
		who: SOURCE,
		act: 'open-source-link',
		whom: owner,
		details: {link: shortLinkId(linkId)},
		isOfDay: true,
	});
	storage.accounts.add(batch, {
		userId,
		// The browser that opened the link is signed in; a password is made when it is asked for.
		passwordHash: null,
		isAdmin: false,
		isGuest: false,
		isDeactivated: false,
		isLocked: false,
		isSuspended: false,
		isErased: false,
		createdDay: Math.floor(clock.now() / DAY_MS),
	});
	storage.sourceLinks.addSource(batch, {userId, owner, name, roomId, endsTs, silenceDays, isOwnerTold: false});
	batch.announce({kind: 'account', subject: userId, extra: {source: true}});
	storage.accountData.set(batch, {
		userId,
		roomId: null,
		type: 'm.invite_permission_config',
		content: {default_action: 'block'},
		pos: batch.announce({kind: 'account_data', subject: userId}),
	});
}

/** Gives as much of a link's id as tells it from its owner's others, for people who read the audit log. */
export function shortLinkId(linkId: string): string {
	return linkId.slice(0, 8);
}

/** Four groups of six small letters and digits, more than a hundred random bits, to be typed into a phone. */
export function inventPassword(random: RandomBytes): string {
	const text = newOpaqueId(random).toLowerCase();
	return [0, 6, 12, 18].map((start) => text.slice(start, start + 6)).join('-');
}

/** Who takes no invites, or whose server cannot be reached, is missing, and the source has their room all the same. */
async function tolerate(change: Promise<unknown>): Promise<void> {
	try {
		await change;
	} catch (error) {
		const isExpected = [EngineError, FactsSpentError, RoomsError].some((kind) => error instanceof kind);
		if (!isExpected) throw error;
	}
}
