import test from 'ava';
import type {UserId} from '../../../crypto/index.ts';
import {call, ManualClock, register, startApp, until} from '../../harness/index.ts';
import {HOUR} from './job-world.ts';

const KEYS = '/_matrix/client/v3/room_keys';

test('what a process that died left of a deleted backup is removed within the hour', async (t) => {
	const clock = new ManualClock();
	const app = await startApp(t, {clock});
	const {access_token: token, user_id: userId} = await register(app, 'alice');
	const body = {algorithm: 'm.megolm_backup.v1.curve25519-aes-sha2', auth_data: {public_key: 'abc'}};
	const {version} = await call<{version: string}>(app, 'POST', `${KEYS}/version`, {token, body});
	await call(app, 'PUT', `${KEYS}/keys/!r:x/s?version=${version}`, {
		token,
		body: {first_message_index: 0, forwarded_count: 0, is_verified: true, session_data: {ciphertext: 'x'}},
	});
	const {storage} = app.application;
	const backup = await storage.keyBackups.findNewest(userId as UserId);
	const batch = storage.batch();
	storage.keyBackups.markDeleted(batch, backup!.id);
	await storage.commit(batch);
	await app.application.stop();
	const {keyBackups} = (await app.restart()).application.storage;
	t.is((await keyBackups.listKeys(backup!.id, {limit: 9})).length, 1);
	clock.advance(HOUR);
	await until(async () => {
		if ((await keyBackups.listDeleted()).length === 0) return true;
		clock.advance(1000);
		return false;
	}, 'the keys to be removed');
	t.deepEqual(await keyBackups.listKeys(backup!.id, {limit: 9}), []);
});
