/** Rows with every field set, for tests that are about one of them. */
import type {DeviceId, EventId, RoomId, ServerName, UserId} from '../../crypto/index.ts';
import type {AccountRow, Batch, NewEvent, Outcome, PasskeyRow, SourceLinkRow, Storage} from '../../storage/index.ts';

export const alice = '@alice:a.example' as UserId;
export const bob = '@bob:a.example' as UserId;
export const phone = 'PHONE' as DeviceId;
export const room = '!room:a.example' as RoomId;
export const partner = 'b.example' as ServerName;
export const eventId = (text: string | number) => `$${text}` as EventId;

export const account = (userId: UserId): AccountRow => ({
	userId,
	passwordHash: null,
	isAdmin: false,
	isGuest: false,
	isDeactivated: false,
	isLocked: false,
	isSuspended: false,
	isErased: false,
	createdDay: 20_000,
});

export const sourceLink = (linkId: string, userId: UserId, having: Partial<SourceLinkRow> = {}): SourceLinkRow => ({
	linkId,
	userId,
	name: 'the ministry',
	members: [bob],
	usesAllowed: 1,
	usesDone: 0,
	expiresTs: 100,
	accountDays: 30,
	silenceDays: 7,
	federates: false,
	...having,
});

export const passkey = (credentialId: string, having: Partial<PasskeyRow> = {}): PasskeyRow => ({
	credentialId,
	userId: alice,
	userHandle: 'handle',
	publicKey: Buffer.from([0, 1, 255]),
	signCount: 3,
	transports: ['internal', 'usb'],
	name: 'Phone',
	createdDay: 7,
	lastUsedDay: null,
	...having,
});

/** An event without a place; `with` says what the test is about. */
export function newEvent(storage: Storage, having: Partial<NewEvent> & {eventId: EventId}): NewEvent {
	return {
		nid: storage.ids.next(),
		roomId: room,
		type: 'm.room.message',
		stateKey: null,
		sender: alice,
		depth: 1,
		originServerTs: 1_700_000_000_000,
		receivedTs: 1_700_000_000_001,
		anchor: null,
		minor: null,
		stateBefore: null,
		statePartial: false,
		rejected: null,
		softFailed: false,
		outlier: false,
		relatesTo: null,
		relType: null,
		notifyCount: 0,
		threadNotifyCount: 0,
		json: '{}',
		...having,
	};
}

/** Adds a live event: announced, and at its place. */
export function addLive(storage: Storage, batch: Batch, having: Partial<NewEvent> & {eventId: EventId}): NewEvent {
	const event = newEvent(storage, having);
	const pos = batch.announce({kind: 'event', roomId: event.roomId, subject: event.sender, ref: event.nid, relay: true});
	const live = {...event, anchor: pos, minor: 0};
	storage.events.add(batch, live);
	return live;
}

/** Commits what `fill` puts into a batch. */
export async function write(storage: Storage, fill: (batch: Batch) => void): Promise<void> {
	const batch = storage.batch();
	fill(batch);
	await storage.commit(batch);
}

/** Commits one sweep, and gives how many rows it removed. */
export async function countSwept(storage: Storage, sweep: (batch: Batch) => Outcome<number>): Promise<number> {
	const batch = storage.batch();
	const outcome = sweep(batch);
	await storage.commit(batch);
	return outcome.value;
}
