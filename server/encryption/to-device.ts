import {
	type DeviceId,
	domainOf,
	findCanonicalFault,
	isDeviceId,
	isJsonObject,
	isUserId,
	type JsonObject,
	type JsonValue,
	newOpaqueId,
	type ServerName,
	type UserId,
} from '../../crypto/index.ts';
import {
	type Batch,
	type ClientTransactionKey,
	DuplicateError,
	JsonText,
	type NewToDeviceMessages,
	type Storage,
	usersOfChangeMax,
} from '../../storage/index.ts';
import type {EncryptionCaller, EncryptionContext} from './dependencies.ts';
import {EncryptionError} from './errors.ts';
import {memberOf} from './key-objects.ts';

/** Contents by user and by device; the device `*` stands for all devices of the user. Keys that are no user ids are no message. */
type ToDeviceContents = Readonly<Record<string, Readonly<Record<string, JsonObject>>>>;

/** Messages for people here. */
interface Delivery {
	readonly sender: UserId;
	readonly type: string;
	readonly userIds: readonly UserId[];
	/** What a device is sent. */
	readonly find: (userId: UserId, deviceId: DeviceId) => JsonText | undefined;
}

/** Messages that a client sends in one request. */
export interface ToDeviceRequest {
	readonly type: string;
	readonly transaction: ClientTransactionKey;
	readonly contents: ToDeviceContents;
	/** The same as the client wrote them. */
	readonly texts: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

const TYPE_BYTES_MAX = 255;
/** A message may be as large as an event. */
const CONTENT_BYTES_MAX = 65_536;
/** An EDU holds one message, or several small ones up to this size, so that a hundred of them make no monster. */
const EDU_BYTES_MAX = 65_536;
/** Messages in one request: clients send 250 at most. */
const MESSAGES_MAX = 2000;
/** What a partner server may send at once, devices behind `*` included. */
const RECEIVED_MESSAGES_MAX = 5000;
const MESSAGE_ID_BYTES_MAX = 255;

/**
 * Sends messages to devices: those here get them, and other servers are owed theirs, in one commit with the transaction.
 * Who is not there, or may not be known to the sender, gets nothing, and the sender is told nothing of that.
 * @see https://spec.matrix.org/v1.19/client-server-api/#send-to-device-messaging
 * @throws EncryptionError 'bad-form', 'too-large', 'too-many'
 */
export function sendToDevice(
	context: EncryptionContext,
	caller: EncryptionCaller,
	request: ToDeviceRequest,
): Promise<void> {
	// Two functions: a function that waits holds what it was given, and the second is given nothing that is large.
	return prepare(context, caller, request).then((batch) => commitOnce(context.storage, batch));
}

/** Makes the batch with all messages; empty where the transaction was done before. */
async function prepare(
	context: EncryptionContext,
	caller: EncryptionCaller,
	{type, transaction, contents, texts}: ToDeviceRequest,
): Promise<Batch> {
	const {storage, serverName, visibility, mayFederateWith, clock} = context;
	const userIds = Object.keys(contents).filter(isUserId);
	checkMessages(userIds, {type, contents, texts});
	const batch = storage.batch();
	if ((await storage.clientTransactions.find(transaction)) !== undefined) return batch;
	// Asked before anything is looked up, so that names nobody has cost a stranger what others cost.
	const known = await visibility.filterKnown(caller, userIds, 'keys');
	const reached = userIds.filter((userId) => known.has(userId));
	const sender = caller.userId;
	await deliver(storage, batch, {
		sender,
		type,
		userIds: reached.filter((userId) => domainOf(userId) === serverName),
		find(userId, deviceId) {
			const devices = contents[userId] ?? {};
			const named = Object.hasOwn(devices, deviceId) ? deviceId : '*';
			const content = devices[named];
			return content && textOf(content, texts.get(userId)?.get(named));
		},
	});
	const byServer = new Map<ServerName, [UserId, Readonly<Record<string, JsonObject>>][]>();
	for (const userId of reached) {
		const server = domainOf(userId);
		if (server === serverName || !mayFederateWith(server)) continue;
		byServer.set(server, [...(byServer.get(server) ?? []), [userId, contents[userId] ?? {}]]);
	}
	for (const [server, messages] of byServer) owe(context, batch, server, {sender, type, messages});
	storage.clientTransactions.add(batch, {...transaction, answer: {}, ts: clock.now()});
	return batch;
}

async function commitOnce(storage: Storage, batch: Batch): Promise<void> {
	try {
		await storage.commit(batch);
	} catch (error) {
		// The same request came twice at once; the other one did all this.
		if (!(error instanceof DuplicateError && error.table === 'client_transactions')) throw error;
	}
}

/**
 * Takes in `m.direct_to_device`. It is on disk when the promise resolves; what came before is dropped.
 * @see https://spec.matrix.org/v1.19/server-server-api/#send-to-device-messaging
 */
export async function receiveDirectToDevice(
	{storage, serverName, visibility, clock}: EncryptionContext,
	origin: ServerName,
	content: JsonObject,
): Promise<void> {
	const sender = memberOf(content, 'sender');
	const type = memberOf(content, 'type');
	const messageId = memberOf(content, 'message_id');
	const messages = memberOf(content, 'messages');
	if (!isUserId(sender) || domainOf(sender) !== origin || !isJsonObject(messages)) return;
	if (!isShortText(type, TYPE_BYTES_MAX) || !isShortText(messageId, MESSAGE_ID_BYTES_MAX)) return;
	const texts = readMessages(serverName, messages);
	const known = await visibility.filterKnownToServer(origin, [...texts.keys()], 'keys');
	const batch = storage.batch();
	const count = await deliver(storage, batch, {
		sender,
		type,
		userIds: [...texts.keys()].filter((userId) => known.has(userId)),
		find: (userId, deviceId) => texts.get(userId)?.get(deviceId) ?? texts.get(userId)?.get('*'),
	});
	if (count === 0 || count > RECEIVED_MESSAGES_MAX) return;
	storage.toDevice.addReceived(batch, origin, messageId, clock.now());
	try {
		await storage.commit(batch);
	} catch (error) {
		if (!(error instanceof DuplicateError && error.table === 'to_device_received')) throw error;
	}
}

/** Checks messages of a client. @throws EncryptionError */
function checkMessages(
	userIds: readonly UserId[],
	{type, contents, texts}: Pick<ToDeviceRequest, 'type' | 'contents' | 'texts'>,
): void {
	if (!isShortText(type, TYPE_BYTES_MAX))
		throw new EncryptionError('bad-form', 'Expected an event type of 1 to 255 bytes');
	let count = 0;
	for (const userId of userIds) {
		for (const [deviceId, content] of Object.entries(contents[userId] ?? {})) {
			count += 1;
			if (count > MESSAGES_MAX) throw new EncryptionError('too-many', `Expected at most ${MESSAGES_MAX} messages`);
			if (!isDeviceId(deviceId)) throw new EncryptionError('bad-form', 'Expected device ids');
			// What no server could send on would hold up all else that its destination is owed.
			if (findCanonicalFault(content) !== undefined) {
				throw new EncryptionError('bad-form', 'Expected contents without fractions and long numbers');
			}
			textOf(content, texts.get(userId)?.get(deviceId));
		}
	}
}

/** Gives a content as it is stored: as it was written, unless blanks make that too long. @throws EncryptionError 'too-large' */
function textOf(content: JsonObject, written: string | undefined): JsonText {
	if (written !== undefined && isShort(written)) return new JsonText(written);
	const text = JSON.stringify(content);
	if (isShort(text)) return new JsonText(text);
	throw new EncryptionError('too-large', `Expected contents of at most ${CONTENT_BYTES_MAX} bytes`);
}

/** No code unit takes more than three bytes, so that few texts have to be measured. */
const isShort = (text: string): boolean =>
	text.length * 3 <= CONTENT_BYTES_MAX || Buffer.byteLength(text) <= CONTENT_BYTES_MAX;

/** Reads messages of another server for people here, as texts; what is no message is left out. */
function readMessages(
	serverName: ServerName,
	messages: JsonObject,
): ReadonlyMap<UserId, ReadonlyMap<string, JsonText>> {
	const texts = new Map<UserId, Map<string, JsonText>>();
	for (const [userId, byDevice] of Object.entries(messages)) {
		if (!isUserId(userId) || domainOf(userId) !== serverName || !isJsonObject(byDevice)) continue;
		const ofUser = new Map<string, JsonText>();
		for (const [deviceId, content] of Object.entries(byDevice)) {
			if (!isJsonObject(content) || findCanonicalFault(content) !== undefined) continue;
			const text = JSON.stringify(content);
			if (isShort(text)) ofUser.set(deviceId, new JsonText(text));
		}
		texts.set(userId, ofUser);
	}
	return texts;
}

/** Adds messages for devices of people here; how many. Each device is in one message at most. */
async function deliver(storage: Storage, batch: Batch, {sender, type, userIds, find}: Delivery): Promise<number> {
	const found: NewToDeviceMessages['messages'][number][] = [];
	for (const {userId, deviceId} of await storage.devices.listOfUsers(userIds)) {
		const content = find(userId, deviceId);
		if (content !== undefined) found.push({userId, deviceId, content});
	}
	for (let at = 0; at < found.length; at += usersOfChangeMax) {
		const messages = found.slice(at, at + usersOfChangeMax);
		const pos = batch.announceUsers('to_device', [...new Set(messages.map(({userId}) => userId))]);
		storage.toDevice.add(batch, {pos, sender, type, messages});
	}
	return found.length;
}

/** Adds what another server is owed, in as many EDUs as their size asks for. */
function owe(
	{storage, random}: EncryptionContext,
	batch: Batch,
	destination: ServerName,
	{
		sender,
		type,
		messages,
	}: {
		readonly sender: UserId;
		readonly type: string;
		readonly messages: readonly (readonly [UserId, Readonly<Record<string, JsonObject>>])[];
	},
): void {
	let part = new Map<UserId, [string, JsonObject][]>();
	let sizeBytes = 0;
	const close = (): void => {
		if (part.size === 0) return;
		const byUser = [...part].map(([userId, devices]) => [userId, Object.fromEntries(devices)] as const);
		const content = {sender, type, message_id: newOpaqueId(random), messages: Object.fromEntries(byUser)};
		const pos = batch.announce({kind: 'edu', subject: destination});
		storage.federation.addOutgoingEdu(batch, {destination, pos, type: 'm.direct_to_device', content});
		part = new Map();
		sizeBytes = 0;
	};
	for (const [userId, devices] of messages) {
		for (const [deviceId, content] of Object.entries(devices)) {
			const messageBytes = sizeOf(content) + userId.length + deviceId.length;
			if (sizeBytes + messageBytes > EDU_BYTES_MAX) close();
			const ofUser = part.get(userId) ?? [];
			ofUser.push([deviceId, content]);
			part.set(userId, ofUser);
			sizeBytes += messageBytes;
		}
	}
	close();
}

function isShortText(value: JsonValue | undefined, bytesMax: number): value is string {
	return typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= bytesMax && value.isWellFormed();
}

function sizeOf(content: JsonObject): number {
	return Buffer.byteLength(JSON.stringify(content));
}
