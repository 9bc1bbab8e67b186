/** What servers ask each other about people, their files and their devices. */
import {randomUUID} from 'node:crypto';
import {createTestDevice} from '../../harness/index.ts';
import {bothWays, type Flow} from './flow.ts';
import type {Somebody} from './somebody.ts';

/** The smallest PNG: one transparent pixel. */
const PIXEL = Buffer.from(
	'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
	'base64',
);

async function upload({server, session}: Somebody): Promise<string> {
	const reply = await fetch(`${server.url}/_matrix/media/v3/upload?filename=pixel.png`, {
		method: 'POST',
		headers: {authorization: `Bearer ${session.access_token}`, 'content-type': 'image/png'},
		body: PIXEL,
	});
	if (!reply.ok) throw new Error(`expected an upload to succeed, got ${reply.status}`);
	return ((await reply.json()) as {content_uri: string}).content_uri;
}

async function download({server, session}: Somebody, path: string): Promise<Response> {
	return fetch(`${server.url}/_matrix/client/v1/media/${path}`, {
		headers: {authorization: `Bearer ${session.access_token}`},
	});
}

interface KeysAnswer {
	readonly device_keys: Readonly<Record<string, Readonly<Record<string, {readonly keys: object}>>>>;
}

async function listDevices(asker: Somebody, {userId}: Somebody): Promise<string[]> {
	const body = {device_keys: {[userId]: []}};
	const {device_keys: found} = await asker.call<KeysAnswer>('POST', '/v3/keys/query', body);
	return Object.keys(found[userId] ?? {});
}

export const PERSONAL: readonly Flow[] = [
	{
		name: 'a profile is asked for, and its change arrives',
		async run({host, guest, roomVersion}) {
			const roomId = await host.createRoom(roomVersion);
			await host.bringIn(roomId, guest);
			for (const [one, other] of bothWays({host, guest})) {
				const name = `Somebody ${randomUUID().slice(0, 8)}`;
				const path = `/v3/profile/${encodeURIComponent(one.userId)}`;
				await one.call('PUT', `${path}/displayname`, {displayname: name});
				await other.seesState(roomId, 'm.room.member', ({displayname}) => displayname === name);
				await other.waitFor('the name', async () => (await other.call('GET', path))['displayname'] === name);
			}
		},
	},
	{
		name: 'files and thumbnails come from the server that has them',
		async run({host, guest}) {
			const place = (await upload(host)).slice('mxc://'.length);
			const file = await download(guest, `download/${place}`);
			if (file.status !== 200) throw new Error(`expected the file, got ${file.status} ${await file.text()}`);
			if (!PIXEL.equals(Buffer.from(await file.arrayBuffer()))) throw new Error('expected the file’s very bytes');
			const thumbnail = await download(guest, `thumbnail/${place}?width=32&height=32&method=scale`);
			if (thumbnail.status !== 200) throw new Error(`expected a thumbnail, got ${thumbnail.status}`);
		},
	},
	{
		name: 'device lists are kept up to date, one-time keys are claimed, and encrypted to-device messages arrive',
		async run({host, guest, roomVersion}) {
			const encryption = {
				type: 'm.room.encryption',
				state_key: '',
				content: {algorithm: 'm.megolm.v1.aes-sha2'},
			};
			const roomId = await host.createRoom(roomVersion, {initial_state: [encryption]});
			await host.bringIn(roomId, guest);
			for (const [one, other] of bothWays({host, guest})) {
				const known = await listDevices(other, one);
				await other.catchUp();
				const added = await one.signInAgain();
				const device = createTestDevice(added.session);
				await added.call('POST', '/v3/keys/upload', {
					device_keys: device.deviceKeys,
					one_time_keys: device.oneTimeKeys('first'),
				});
				await other.follow(
					`a change of ${one.userId}’s devices`,
					({device_lists: lists}) => lists?.changed?.includes(one.userId) === true,
				);
				const {device_id: deviceId} = added.session;
				await other.waitFor('the new device', async () => (await listDevices(other, one)).includes(deviceId));
				const lost = known.filter((id) => id === deviceId);
				if (lost.length > 0) throw new Error(`expected a new device, got ${deviceId} again`);
				const claimed = await other.call<{one_time_keys: Record<string, Record<string, object>>}>(
					'POST',
					'/v3/keys/claim',
					{one_time_keys: {[one.userId]: {[deviceId]: 'signed_curve25519'}}},
				);
				const keyIds = Object.keys(claimed.one_time_keys[one.userId]?.[deviceId] ?? {});
				if (keyIds[0] !== 'signed_curve25519:first')
					throw new Error(`expected the key, got ${JSON.stringify(claimed)}`);
				const content = {algorithm: 'm.olm.v1.curve25519-aes-sha2', ciphertext: {for: deviceId}, sender_key: 'x'};
				await other.call('PUT', `/v3/sendToDevice/m.room.encrypted/${randomUUID()}`, {
					messages: {[one.userId]: {[deviceId]: content}},
				});
				await added.follow(
					'the message',
					({to_device: messages}) =>
						messages?.events?.some(({sender, type}) => sender === other.userId && type === 'm.room.encrypted') === true,
				);
			}
		},
	},
];
