import {
	canonicalJson,
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
import {type Batch, type ClientTransactionKey, DuplicateError, type Storage} from '../../storage/index.ts';
import type {EncryptionCaller, EncryptionContext} from './dependencies.ts';
import {EncryptionError} from './errors.ts';
import {memberOf} from './key-objects.ts';

/** Contents by user and by device; the device `*` stands for all devices of the user. */
export type ToDeviceContents = ReadonlyMap<UserId, ReadonlyMap<string, JsonObject>>;

/** Messages that a client sends in one request. */
export interface ToDeviceRequest {
	readonly type: string;
	readonly transaction: ClientTransactionKey;
	readonly contents: ToDeviceContents;
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
export async function sendToDevice(
	context: EncryptionContext,
	caller: EncryptionCaller,
	{type, transaction, contents}: ToDeviceRequest,
): Promise<void> {
	const {storage, serverName, visibility, mayFederateWith, clock} = context;
	checkMessages(type, contents);
	if ((await storage.clientTransactions.find(transaction)) !== undefined) return;
	const batch = storage.batch();
	const byServer = new Map<ServerName, [UserId, ReadonlyMap<string, JsonObject>][]>();
	// Asked before anything is looked up, so that names nobody has cost a stranger what others cost.
	const known = await visibility.filterKnown(caller, [...contents.keys()], 'keys');
	for (const [userId, devices] of contents) {
		const server = domainOf(userId);
		if (!known.has(userId) || (server !== serverName && !mayFederateWith(server))) continue;
		if (server === serverName) await deliver(storage, batch, caller.userId, type, userId, devices);
		else byServer.set(server, [...(byServer.get(server) ?? []), [userId, devices]]);
	}
	for (const [server, messages] of byServer) owe(context, batch, server, {sender: caller.userId, type, messages});
	storage.clientTransactions.add(batch, {...transaction, answer: {}, ts: clock.now()});
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
	const batch = storage.batch();
	let count = 0;
	const here = Object.keys(messages).filter((userId) => isUserId(userId) && domainOf(userId) === serverName);
	const known = await visibility.filterKnownToServer(origin, here as UserId[], 'keys');
	for (const userId of known) {
		const byDevice = messages[userId];
		if (byDevice === undefined || !isJsonObject(byDevice)) continue;
		const devices = Object.entries(byDevice).filter((entry): entry is [string, JsonObject] => isContent(entry[1]));
		count += await deliver(storage, batch, sender, type, userId, new Map(devices));
		if (count > RECEIVED_MESSAGES_MAX) return;
	}
	if (count === 0) return;
	storage.toDevice.addReceived(batch, origin, messageId, clock.now());
	try {
		await storage.commit(batch);
	} catch (error) {
		if (!(error instanceof DuplicateError && error.table === 'to_device_received')) throw error;
	}
}

function checkMessages(type: string, contents: ToDeviceContents): void {
	if (!isShortText(type, TYPE_BYTES_MAX))
		throw new EncryptionError('bad-form', 'Expected an event type of 1 to 255 bytes');
	let count = 0;
	for (const devices of contents.values()) {
		for (const [deviceId, content] of devices) {
			count += 1;
			if (count > MESSAGES_MAX) throw new EncryptionError('too-many', `Expected at most ${MESSAGES_MAX} messages`);
			if (!isDeviceId(deviceId)) throw new EncryptionError('bad-form', 'Expected device ids');
			// What no server could send on would hold up all else that its destination is owed.
			if (findCanonicalFault(content) !== undefined) {
				throw new EncryptionError('bad-form', 'Expected contents without fractions and long numbers');
			}
			if (sizeOf(content) > CONTENT_BYTES_MAX) {
				throw new EncryptionError('too-large', `Expected contents of at most ${CONTENT_BYTES_MAX} bytes`);
			}
		}
	}
}

/** Adds messages for devices of somebody here; how many. Each device is in one message at most. */
async function deliver(
	storage: Storage,
	batch: Batch,
	sender: UserId,
	type: string,
	userId: UserId,
	contents: ReadonlyMap<string, JsonObject>,
): Promise<number> {
	let count = 0;
	const toAll = contents.get('*');
	for (const {deviceId} of await storage.devices.listOfUser(userId)) {
		const content = contents.get(deviceId) ?? toAll;
		if (content === undefined) continue;
		const pos = batch.announce({kind: 'to_device', subject: userId, extra: {device_id: deviceId}});
		storage.toDevice.add(batch, {userId, deviceId, sender, type, content, pos});
		count += 1;
	}
	return count;
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
		readonly messages: readonly (readonly [UserId, ReadonlyMap<string, JsonObject>])[];
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
		for (const [deviceId, content] of devices) {
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

function isContent(value: JsonValue): boolean {
	return isJsonObject(value) && findCanonicalFault(value) === undefined && sizeOf(value) <= CONTENT_BYTES_MAX;
}

function sizeOf(content: JsonObject): number {
	return Buffer.byteLength(canonicalJson(content));
}
