/** Somebody with devices of matrix-js-sdk that trust each other, and what people do with encryption beside talking. */
import {createCipheriv, createDecipheriv, createHash, randomBytes} from 'node:crypto';
import type {MatrixClient, MatrixEvent} from 'matrix-js-sdk';
import {
	type CryptoApi,
	CryptoEvent,
	type GeneratedSecretStorageKey,
	type ShowSasCallbacks,
	VerificationPhase,
	type VerificationRequest,
	type Verifier,
	VerifierEvent,
} from 'matrix-js-sdk/lib/crypto-api/index.js';
import {type ClientTarget, type Session, until} from '../harness/index.ts';
import {EncryptedClient} from './encrypted-client.ts';

/** What a person knows and no device keeps: the recovery key. */
export class Recovery {
	#key: Uint8Array | undefined;

	/** Opens a device that can ask for the recovery key. */
	open(server: ClientTarget, session: Session): Promise<EncryptedClient> {
		return EncryptedClient.open(server, session, {
			verificationMethods: ['m.sas.v1'],
			cryptoCallbacks: {
				getSecretStorageKey: ({keys}) => {
					const [keyId] = Object.keys(keys);
					return Promise.resolve(keyId === undefined || this.#key === undefined ? null : [keyId, this.#key]);
				},
			},
		});
	}

	/** Sets up cross-signing, secret storage and a key backup, as a client does after the first sign-in. */
	async setUp(device: EncryptedClient): Promise<void> {
		const crypto = cryptoOf(device);
		await crypto.bootstrapCrossSigning({
			// The first keys need no password.
			authUploadDeviceSigningKeys: async (makeRequest) => {
				await makeRequest(null);
			},
		});
		const key = await crypto.createRecoveryKeyFromPassphrase();
		await crypto.bootstrapSecretStorage({
			createSecretStorageKey: (): Promise<GeneratedSecretStorageKey> => {
				this.#key = key.privateKey;
				return Promise.resolve(key);
			},
			setupNewSecretStorage: true,
			setupNewKeyBackup: true,
		});
	}
}

/** Gives a device's cryptography. */
export function cryptoOf({sdk}: EncryptedClient): CryptoApi {
	const crypto = sdk.getCrypto();
	if (crypto === undefined) throw new Error('expected the SDK to have been started with its cryptography');
	return crypto;
}

/** An event in a room that a device could read, by what it is known by. */
export function findEvent(
	{sdk}: EncryptedClient,
	roomId: string,
	isMeant: (event: MatrixEvent) => boolean,
): MatrixEvent | undefined {
	const timelines = sdk.getRoom(roomId)?.getTimelineSets() ?? [];
	const threads = sdk.getRoom(roomId)?.getThreads() ?? [];
	const events = [
		...timelines.flatMap((set) => set.getTimelines().flatMap((timeline) => timeline.getEvents())),
		...threads.flatMap((thread) => thread.events),
	];
	return events.find((event) => !event.isDecryptionFailure() && isMeant(event));
}

/** Waits for an event that a device can read. */
export function seeEvent(
	device: EncryptedClient,
	roomId: string,
	what: string,
	isMeant: (event: MatrixEvent) => boolean,
): Promise<MatrixEvent> {
	return until(() => findEvent(device, roomId, isMeant), `${device.userId} to see ${what}`, 20_000);
}

/** Waits for a message with this body. */
export function seeMessage(device: EncryptedClient, roomId: string, body: string): Promise<MatrixEvent> {
	return seeEvent(device, roomId, body, (event) => event.getContent()['body'] === body);
}

/** A file as an event describes it. @see https://spec.matrix.org/v1.19/client-server-api/#sending-encrypted-attachments */
interface EncryptedFile {
	readonly v: 'v2';
	readonly url: string;
	readonly key: {readonly k: string};
	readonly iv: string;
	readonly hashes: {readonly sha256: string};
}

const unpadded = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '');

/** Encrypts a file, uploads it, and gives what goes into the event. */
export async function uploadEncrypted(client: MatrixClient, file: Buffer): Promise<EncryptedFile> {
	const key = randomBytes(32);
	// The counter's lower half starts at zero.
	const iv = Buffer.concat([randomBytes(8), Buffer.alloc(8)]);
	const cipher = createCipheriv('aes-256-ctr', key, iv);
	const encrypted = Buffer.concat([cipher.update(file), cipher.final()]);
	const {content_uri: url} = await client.uploadContent(new Blob([encrypted]), {type: 'application/octet-stream'});
	const jwk = {kty: 'oct', key_ops: ['encrypt', 'decrypt'], alg: 'A256CTR', k: key.toString('base64url'), ext: true};
	const sha256 = unpadded(createHash('sha256').update(encrypted).digest());
	return {v: 'v2', url, key: jwk, iv: unpadded(iv), hashes: {sha256}};
}

/** Fetches an encrypted file by the authenticated endpoint, checks and decrypts it. */
export async function downloadEncrypted(client: MatrixClient, {url, key, iv, hashes}: EncryptedFile): Promise<Buffer> {
	const address = client.mxcUrlToHttp(url, undefined, undefined, undefined, true, true, true);
	const reply = await fetch(address ?? '', {headers: {authorization: `Bearer ${client.getAccessToken()}`}});
	if (!reply.ok) throw new Error(`expected a file, got ${reply.status}`);
	const encrypted = Buffer.from(await reply.arrayBuffer());
	if (unpadded(createHash('sha256').update(encrypted).digest()) !== hashes.sha256) {
		throw new Error('expected the file that was uploaded');
	}
	const decipher = createDecipheriv('aes-256-ctr', Buffer.from(key.k, 'base64url'), Buffer.from(iv, 'base64'));
	return Buffer.concat([decipher.update(encrypted), decipher.final()]);
}

/** Compares emoji: one device asks, the other accepts, both show the same and confirm. Gives the emoji. */
export async function compareEmoji(
	asker: EncryptedClient,
	answerer: EncryptedClient,
	ask: () => Promise<VerificationRequest>,
): Promise<string> {
	const received = new Promise<VerificationRequest>((resolve) => {
		answerer.sdk.once(CryptoEvent.VerificationRequestReceived, resolve);
	});
	const [asked, request] = await Promise.all([ask(), received]);
	await request.accept();
	await until(() => asked.phase === VerificationPhase.Ready, `${asker.userId} to hear that the request was accepted`);
	const verifiers = [await asked.startVerification('m.sas.v1'), await until(() => request.verifier, 'a verifier')];
	const done = verifiers.map((verifier) => verifier.verify());
	const shown = await Promise.all(verifiers.map((verifier) => show(verifier)));
	const emoji = shown.map(({sas}) => (sas.emoji ?? []).map(([symbol]) => symbol).join(' '));
	if (emoji[0] === '' || emoji[0] !== emoji[1]) throw new Error(`expected the same emoji, got ${emoji.join(' and ')}`);
	for (const sas of shown) await sas.confirm();
	await Promise.all(done);
	return emoji[0] ?? '';
}

function show(verifier: Verifier): Promise<ShowSasCallbacks> {
	const shown = verifier.getShowSasCallbacks();
	if (shown !== null) return Promise.resolve(shown);
	return new Promise((resolve) => {
		verifier.once(VerifierEvent.ShowSas, resolve);
	});
}
