/** End-to-end encryption: what a server does for a room of a hundred devices, each request as clients send it. */
import {generateKeyPairSync, type KeyObject, randomBytes, sign} from 'node:crypto';
import {type Figures, forEachOf, measureLoop} from '../measure.ts';
import {createRoom, type Device, registerUsers} from '../population.ts';
import type {Bench, Scenario} from '../scenario.ts';

const CLIENT = '/_matrix/client/v3';
const TARGETS = 100;
const KEYS_PER_UPLOAD = 50;
const WORKERS = 8;
/** Uploads that one device makes, so that it has no more keys than servers keep. */
const UPLOADS_PER_DEVICE = 20;
/** Every operation is a hundred of them for the server, and what it leaves behind stays. */
const OPERATIONS_MAX = 1000;
const AT_ONCE = 8;

const unpadded = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replaceAll('=', '');

/** A device with keys of its own. */
class KeyedDevice implements Device {
	readonly userId: string;
	readonly token: string;
	readonly deviceId: string;
	readonly #key: KeyObject;
	readonly #publicKey: string;
	readonly #identityKey = unpadded(randomBytes(32));
	#made = 0;

	constructor({userId, token}: Device, deviceId: string) {
		this.userId = userId;
		this.token = token;
		this.deviceId = deviceId;
		const {privateKey, publicKey} = generateKeyPairSync('ed25519');
		this.#key = privateKey;
		this.#publicKey = unpadded(publicKey.export({format: 'der', type: 'spki'}).subarray(-32));
	}

	/** What the device publishes of itself. */
	get deviceKeys(): object {
		return this.#sign({
			algorithms: ['m.olm.v1.curve25519-aes-sha2', 'm.megolm.v1.aes-sha2'],
			device_id: this.deviceId,
			keys: {
				[`curve25519:${this.deviceId}`]: this.#identityKey,
				[`ed25519:${this.deviceId}`]: this.#publicKey,
			},
			user_id: this.userId,
		});
	}

	/** Makes so many new one-time keys. */
	makeOneTimeKeys(count: number): object {
		const entries = Array.from({length: count}, () => {
			this.#made += 1;
			const keyId = Buffer.from(String(this.#made).padStart(9, '0')).toString('base64url');
			return [`signed_curve25519:${keyId}`, this.#sign({key: unpadded(randomBytes(32))})] as const;
		});
		return Object.fromEntries(entries);
	}

	/** The members must be in the order of canonical JSON already. */
	#sign(object: object): object {
		const signature = unpadded(sign(null, Buffer.from(JSON.stringify(object)), this.#key));
		return {...object, signatures: {[this.userId]: {[`ed25519:${this.deviceId}`]: signature}}};
	}
}

async function registerKeyed(bench: Bench, count: number): Promise<KeyedDevice[]> {
	const devices = await registerUsers(bench, count);
	const keyed: KeyedDevice[] = [];
	await forEachOf(count, AT_ONCE, async (index) => {
		const device = devices[index];
		if (device === undefined) return;
		const {device_id: deviceId} = await bench.client.call<{device_id: string}>(
			'GET',
			`${CLIENT}/account/whoami`,
			device.token,
		);
		const one = new KeyedDevice(device, deviceId);
		await upload(bench, one, {device_keys: one.deviceKeys});
		keyed.push(one);
	});
	return keyed;
}

const upload = ({client}: Bench, {token}: Device, body: object): Promise<unknown> =>
	client.call('POST', `${CLIENT}/keys/upload`, token, body);

/** Somebody who shares a room with a hundred others. */
async function meetTargets(bench: Bench): Promise<{asker: KeyedDevice; targets: readonly KeyedDevice[]}> {
	const [asker, ...targets] = await registerKeyed(bench, TARGETS + 1);
	if (asker === undefined) throw new Error('expected a device');
	await createRoom(bench.client, asker, targets);
	return {asker, targets};
}

function measure(
	{pids, operationsMax, secondsMax}: Bench,
	title: string,
	operate: (index: number) => Promise<unknown>,
): Promise<Figures> {
	const operations = Math.min(operationsMax, OPERATIONS_MAX);
	return measureLoop({
		title,
		pids,
		operationsMax: operations,
		secondsMax,
		workers: WORKERS,
		warmUp: warmUpOf(operations),
		operate: async (_worker, index) => {
			await operate(index);
		},
	});
}

/** As many as are measured: what compiling the server's code costs is in none of them. */
const warmUpOf = (operations: number): number => Math.max(WORKERS, operations);
const countOf = (bench: Bench): number => {
	const operations = Math.min(bench.operationsMax, OPERATIONS_MAX);
	return operations + warmUpOf(operations);
};

/** A device fills its store of one-time keys, signed ones. */
export const keysUpload: Scenario = {
	id: 'keys-upload',
	about: `an upload of ${KEYS_PER_UPLOAD} signed one-time keys`,
	needsServer: true,
	async run(bench) {
		const count = countOf(bench);
		const devices = await registerKeyed(bench, Math.ceil(count / UPLOADS_PER_DEVICE));
		// Made before, so that making them is not measured.
		const bodies = Array.from({length: count}, (_, index) => {
			const device = devices[index % devices.length];
			if (device === undefined) throw new Error('expected a device');
			return {device, body: {one_time_keys: device.makeOneTimeKeys(KEYS_PER_UPLOAD)}};
		});
		const figures = await measure(bench, `keys, upload of ${KEYS_PER_UPLOAD}`, async (index) => {
			const one = bodies[index];
			if (one !== undefined) await upload(bench, one.device, one.body);
		});
		return [figures];
	},
};

/** A client looks up whom it will encrypt for. */
export const keysQuery: Scenario = {
	id: 'keys-query',
	about: `a query of the keys of ${TARGETS} users`,
	needsServer: true,
	async run(bench) {
		const {asker, targets} = await meetTargets(bench);
		const body = {device_keys: Object.fromEntries(targets.map(({userId}) => [userId, []]))};
		const figures = await measure(bench, `keys, query of ${TARGETS} users`, async () => {
			const answer = await bench.client.call<{device_keys: Record<string, object>}>(
				'POST',
				`${CLIENT}/keys/query`,
				asker.token,
				body,
			);
			if (targets.some(({userId}) => Object.keys(answer.device_keys[userId] ?? {}).length !== 1)) {
				throw new Error('expected one device of each');
			}
		});
		return [figures];
	},
};

/** A client opens sessions to devices that it has none with. */
export const keysClaim: Scenario = {
	id: 'keys-claim',
	about: `a claim of one key from each of ${TARGETS} devices`,
	needsServer: true,
	async run(bench) {
		const {asker, targets} = await meetTargets(bench);
		await forEachOf(targets.length, AT_ONCE, async (index) => {
			const device = targets[index]!;
			for (let made = 0; made < countOf(bench); made += KEYS_PER_UPLOAD) {
				await upload(bench, device, {one_time_keys: device.makeOneTimeKeys(KEYS_PER_UPLOAD)});
			}
		});
		const wanted = targets.map(({userId, deviceId}) => [userId, {[deviceId]: 'signed_curve25519'}] as const);
		const body = {one_time_keys: Object.fromEntries(wanted)};
		const figures = await measure(bench, `keys, claim from ${TARGETS} devices`, async () => {
			const answer = await bench.client.call<{one_time_keys: object}>(
				'POST',
				`${CLIENT}/keys/claim`,
				asker.token,
				body,
			);
			if (Object.keys(answer.one_time_keys).length !== TARGETS) throw new Error('expected a key of each device');
		});
		return [figures];
	},
};

/** A client hands the keys of a room out. */
export const toDevice: Scenario = {
	id: 'to-device',
	about: `a message to each of ${TARGETS} devices`,
	needsServer: true,
	async run(bench) {
		const {asker, targets} = await meetTargets(bench);
		const messages = targets.map(({userId, deviceId}) => {
			const ciphertext = {[unpadded(randomBytes(32))]: {type: 1, body: unpadded(randomBytes(650))}};
			const content = {algorithm: 'm.olm.v1.curve25519-aes-sha2', ciphertext, sender_key: unpadded(randomBytes(32))};
			return [userId, {[deviceId]: content}] as const;
		});
		const body = {messages: Object.fromEntries(messages)};
		const run = unpadded(randomBytes(6)).replaceAll(/\W/gu, '');
		const figures = await measure(bench, `to-device, ${TARGETS} devices`, async (index) => {
			const path = `${CLIENT}/sendToDevice/m.room.encrypted/${run}-${index}`;
			const {status, text} = await bench.client.send('PUT', path, asker.token, body);
			if (status !== 200) throw new Error(`to-device: expected 200, got ${status} ${text.slice(0, 200)}`);
		});
		return [figures];
	},
};
