import test from 'ava';
import {StorageError} from '../../storage/index.ts';
import {register, request, startApp} from '../harness/index.ts';

test('a database that cannot be used is told to clients, who may come again', async (t) => {
	const app = await startApp(t);
	const {access_token: token} = await register(app, 'alice');
	const {storage} = app.application;
	const commit = storage.commit.bind(storage);
	storage.commit = () => Promise.reject(new StorageError('unavailable', 'database or disk is full'));
	t.teardown(() => void (storage.commit = commit));
	const body = {displayname: 'Alice'};
	const path = '/_matrix/client/v3/profile/@alice:news.example';
	const answer = await request(app, 'PUT', `${path}/displayname`, {token, body});
	t.is(answer.status, 503);
	t.is(answer.body['errcode'], 'M_UNKNOWN');
	t.is(answer.headers.get('retry-after'), '5');
	// Reading goes on, and so does noting who was seen when, as soon as it can.
	app.advance(2 * 86_400_000);
	t.is((await request(app, 'GET', path, {token})).status, 200);
	storage.commit = commit;
	t.is((await request(app, 'PUT', `${path}/displayname`, {token, body})).status, 200);
});
