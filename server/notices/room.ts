import {type EventId, type RoomId, type ServerName, type UserId} from '../../crypto/index.ts';
import {EngineError} from '../../federation/engine/index.ts';
import type {Storage} from '../../storage/index.ts';
import {type AccountData, setTag} from '../account-data/index.ts';
import type {Language} from '../mail/index.ts';
import {type Rooms, RoomsError} from '../rooms/index.ts';
import {say} from './say.ts';

/** The tag by which clients know the room. @see https://spec.matrix.org/v1.19/client-server-api/#server-notices */
const TAG = 'm.server_notice';

/** Which user of the server sends the notices: a fact of the server's. */
export const SENDER_FACT = 'notices_user';

/** What the rooms of notices are made with. */
export interface NoticeRoomsDependencies {
	readonly storage: Storage;
	readonly rooms: Pick<Rooms, 'create' | 'invite' | 'join' | 'send'>;
	readonly accountData: AccountData;
	readonly serverName: ServerName;
	/** Who sends the notices. */
	readonly sender: UserId;
	/** What that user is called; absent: as the language of the first person that is told says. */
	readonly senderName: string | undefined;
	readonly nowDay: () => number;
}

const actorOf = (userId: UserId, isAdmin: boolean) => ({userId, isAdmin, isGuest: false, isSuspended: false});

/**
 * Makes sure that the user exists who sends notices. Nobody signs in as them.
 * @returns false where the name belongs to somebody who was here before it was kept free
 */
export async function prepareSender(
	{storage, sender, senderName, nowDay}: NoticeRoomsDependencies,
	language: Language,
): Promise<boolean> {
	if ((await storage.meta.find(SENDER_FACT)) === sender) return true;
	if ((await storage.accounts.find(sender)) !== undefined) return false;
	const batch = storage.batch();
	storage.accounts.add(batch, {
		userId: sender,
		passwordHash: null,
		isAdmin: false,
		isGuest: false,
		isDeactivated: false,
		isLocked: false,
		isSuspended: false,
		isErased: false,
		createdDay: nowDay(),
	});
	batch.announce({kind: 'account', subject: sender});
	const pos = batch.announce({kind: 'profile', subject: sender});
	storage.profiles.set(batch, sender, 'displayname', senderName ?? say(language, 'senderName'), pos);
	storage.meta.set(batch, SENDER_FACT, sender);
	await storage.commit(batch);
	return true;
}

/** What somebody is told. */
interface Words {
	readonly text: string;
	readonly html?: string | undefined;
	readonly language: Language;
	readonly repetition: string;
	/** Whether it makes no sound. */
	readonly isAside?: boolean | undefined;
}

/**
 * Sends a text to the room of a person's notices. There is one from the first notice on, which the server joins for them;
 * who has left it is invited once more.
 * @param words.html the same, for clients that show HTML; absent: the text alone
 * @param words.repetition the same text with the same word is sent once
 */
export async function tell(
	dependencies: NoticeRoomsDependencies,
	userId: UserId,
	{text, html, language, repetition, isAside = false}: Words,
): Promise<EventId> {
	const {rooms, sender} = dependencies;
	const roomId = await prepareRoom(dependencies, userId, language);
	return rooms.send(actorOf(sender, true), roomId, {
		type: 'm.room.message',
		// Notices make no sound by the default push rules.
		content: {
			msgtype: isAside ? 'm.notice' : 'm.text',
			body: text,
			...(html !== undefined && {format: 'org.matrix.custom.html', formatted_body: html}),
			'm.mentions': isAside ? {} : {user_ids: [userId]},
		},
		transaction: {
			userId: sender,
			// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- no device has a name in small letters with a space
			deviceId: 'server notices' as never,
			method: 'PUT',
			endpoint: 'sendMessage',
			roomId,
			txnId: repetition,
		},
	});
}

async function prepareRoom(
	{storage, rooms, accountData, sender}: NoticeRoomsDependencies,
	userId: UserId,
	language: Language,
): Promise<RoomId> {
	const known = await storage.noticeRooms.find(userId);
	const isOurs = known !== undefined && (await storage.memberships.find(known, sender))?.membership === 'join';
	if (known !== undefined && isOurs) {
		const membership = (await storage.memberships.find(known, userId))?.membership;
		if (membership !== 'join' && membership !== 'invite') await rooms.invite(actorOf(sender, true), known, userId);
		return known;
	}
	const roomId = await rooms.create(actorOf(sender, true), {
		name: say(language, 'roomName'),
		preset: 'private_chat',
		invite: [userId],
		creationContent: {'m.federate': false},
		initialState: [{type: 'm.room.guest_access', content: {guest_access: 'forbidden'}}],
		// Nobody reads what is answered there.
		powerLevelOverride: {events_default: 50, invite: 50},
		alsoWrite: (batch, made) => storage.noticeRooms.set(batch, userId, made),
	});
	await setTag(accountData, {userId, roomId, tag: TAG}, {});
	try {
		await rooms.join(actorOf(userId, false), roomId);
	} catch (error) {
		// The invite stands, and is as good.
		if (!(error instanceof RoomsError) && !(error instanceof EngineError)) throw error;
	}
	return roomId;
}
