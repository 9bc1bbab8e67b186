/** People with something to lose, for tests that try every endpoint. */
import type {UserId} from '../../../../crypto/index.ts';
import {type App, call, register} from '../../../harness/index.ts';
import type {Endpoint, Names} from './every-endpoint.ts';

/** Somebody with a room of their own, an event in it, an alias, a device, and a backup of keys. */
export interface Somebody {
	readonly token: string;
	readonly names: Names;
}

let people = 0;

/** Registers somebody new; an administrator gets past the door of the endpoints that are for them alone. */
export async function addSomebody(app: App, {isAdmin = false} = {}): Promise<Somebody> {
	people += 1;
	const name = `person${people}`;
	const {user_id: userId, access_token: token, device_id: deviceId} = await register(app, name);
	if (isAdmin) {
		const {storage} = app.application;
		const batch = storage.batch();
		storage.accounts.setStates(batch, userId as UserId, {isAdmin});
		batch.announce({kind: 'account', subject: userId});
		await storage.commit(batch);
	}
	const {room_id: roomId} = await call<{room_id: string}>(app, 'POST', '/_matrix/client/v3/createRoom', {
		token,
		body: {room_alias_name: name, room_version: '11'},
	});
	const send = `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/send/m.room.message/1`;
	const {event_id: eventId} = await call<{event_id: string}>(app, 'PUT', send, {token, body: {body: 'x'}});
	const {version} = await call<{version: string}>(app, 'POST', '/_matrix/client/v3/room_keys/version', {
		token,
		body: {algorithm: 'm.megolm_backup.v1.curve25519-aes-sha2', auth_data: {public_key: 'a'}},
	});
	const roomAlias = `#${name}:news.example`;
	return {token, names: {userId, deviceId, roomId, roomIdOrAlias: roomId, roomAlias, eventId, version}};
}

/** Names of the same form as somebody's, that nobody has. */
export const nobodysNames: Names = {
	userId: '@nobody:news.example',
	deviceId: 'NOSUCHDEVICE',
	roomId: '!nosuchroomishere:news.example',
	roomIdOrAlias: '!nosuchroomishere:news.example',
	roomAlias: '#nowhere:news.example',
	eventId: `$${'a'.repeat(43)}`,
	version: '99',
};

/** What a request to an endpoint carries of its caller. */
export const callerOf = ({auth}: Endpoint, {token}: Pick<Somebody, 'token'>): {readonly token?: string} =>
	auth === 'none' ? {} : {token};
