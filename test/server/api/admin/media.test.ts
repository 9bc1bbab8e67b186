import test from 'ava';
import {type App, call, register, request, type Session, startApp} from '../../../harness/index.ts';
import {addAdministrator, ask, listActs} from './administrator.ts';

async function upload(app: App, {access_token: token}: Session, name: string, bytes: string): Promise<string> {
	const answer = await fetch(new URL(`/_matrix/media/v3/upload?filename=${name}`, app.url), {
		method: 'POST',
		headers: {authorization: `Bearer ${token}`, 'content-type': 'text/plain'},
		body: bytes,
	});
	const {content_uri: uri} = (await answer.json()) as {content_uri: string};
	return uri.slice('mxc://news.example/'.length);
}

const download = async (app: App, {access_token: token}: Session, id: string) =>
	(await request(app, 'GET', `/_matrix/client/v1/media/download/news.example/${id}`, {token})).status;

test('files are listed, hidden, shown again and removed', async (t) => {
	const app = await startApp(t);
	const root = await addAdministrator(app);
	const alice = await register(app, 'alice');
	const small = await upload(app, alice, 'a.txt', 'small');
	app.advance(1000);
	const large = await upload(app, alice, 'b.txt', 'larger than small');
	const path = `/v1/users/${encodeURIComponent(alice.user_id)}/media`;
	const list = async (query: string) =>
		((await ask(app, root, ['GET', `${path}${query}`])).body['media'] as {media_id: string}[]).map(
			(row) => row.media_id,
		);
	t.deepEqual(await list(''), [large, small]);
	t.deepEqual(await list('?order_by=created_ts'), [small, large]);
	t.deepEqual(await list('?order_by=media_length&dir=b&limit=1'), [large]);
	const {body} = await ask<{media: object[]}>(app, root, ['GET', `${path}?from=1`]);
	t.like(body.media[0], {
		media_id: small,
		media_type: 'text/plain',
		media_length: 5,
		upload_name: 'a.txt',
		quarantined_by: null,
		safe_from_quarantine: false,
	});
	t.is((await ask(app, root, ['POST', `/v1/media/quarantine/news.example/${small}`])).status, 200);
	t.is(await download(app, alice, small), 404);
	t.is((await ask(app, root, ['POST', `/v1/media/unquarantine/news.example/${small}`, {}])).status, 200);
	t.is(await download(app, alice, small), 200);
	const ofAlice = `/v1/user/${encodeURIComponent(alice.user_id)}/media/quarantine`;
	t.deepEqual((await ask(app, root, ['POST', ofAlice, {}])).body, {num_quarantined: 2});
	t.deepEqual((await ask(app, root, ['POST', ofAlice, {}])).body, {num_quarantined: 0});
	t.is(await download(app, alice, large), 404);
	const known = await ask(app, root, ['GET', `/v1/media/news.example/${large}`]);
	t.like(known.body['media_info'], {media_id: large, user_id: alice.user_id, media_origin: 'news.example'});
	const removed = await ask(app, root, ['DELETE', `/v1/media/news.example/${large}`]);
	t.deepEqual(removed.body, {deleted_media: [large], total: 1});
	t.is((await ask(app, root, ['GET', `/v1/media/news.example/${large}`])).status, 404);
	t.is((await ask(app, root, ['DELETE', `/v1/media/news.example/${large}`])).status, 404);
	t.deepEqual((await ask(app, root, ['DELETE', path])).body, {deleted_media: [small], total: 1});
	t.is((await ask(app, root, ['POST', '/v1/media/quarantine/news.example/nothing'])).status, 404);
	const acts = (await listActs(app)).map(([, act]) => act);
	t.deepEqual(acts, ['quarantine-media', 'release-media', 'quarantine-media', 'delete-media', 'delete-media']);
});

test('who keeps how much is told, and what is cached of others goes', async (t) => {
	const app = await startApp(t);
	const root = await addAdministrator(app);
	const alice = await register(app, 'alice');
	await upload(app, alice, 'a.txt', '12345');
	await upload(app, root, 'b.txt', '123');
	const path = '/v1/statistics/users/media';
	const {body} = await ask(app, root, ['GET', `${path}?order_by=media_length&dir=b`]);
	t.deepEqual(body, {
		users: [
			{user_id: alice.user_id, displayname: null, media_count: 1, media_length: 5},
			{user_id: root.user_id, displayname: null, media_count: 1, media_length: 3},
		],
		total: 2,
	});
	t.like((await ask(app, root, ['GET', `${path}?search_term=ali&limit=1`])).body, {total: 1});
	t.like((await ask(app, root, ['GET', `${path}?limit=1`])).body, {total: 2, next_token: 1});
	t.like((await ask(app, root, ['GET', `${path}?until_ts=1`])).body, {users: [], total: 0});
	const {storage} = app.application;
	const batch = storage.batch();
	for (const [mediaId, lastUsedDay] of [
		['old', 10],
		['new', 30_000],
	] as const) {
		storage.media.add(batch, {
			origin: 'other.example' as never,
			mediaId,
			uploader: null,
			contentType: 'text/plain',
			fileName: null,
			sizeBytes: 1,
			sha256: 'ab'.repeat(32),
			isQuarantined: false,
			createdTs: 1,
			lastUsedDay,
		});
	}
	await storage.commit(batch);
	const purge = `/v1/purge_media_cache?before_ts=${20 * 86_400_000}`;
	t.deepEqual((await ask(app, root, ['POST', purge, {}])).body, {deleted: 1});
	t.is(await storage.media.find('other.example' as never, 'old'), undefined);
	t.truthy(await storage.media.find('other.example' as never, 'new'));
	t.is((await ask(app, root, ['POST', '/v1/purge_media_cache'])).status, 400);
});

test('complaints are listed, looked at and done with', async (t) => {
	const app = await startApp(t);
	const root = await addAdministrator(app);
	const alice = await register(app, 'alice');
	const token = alice.access_token;
	const client = '/_matrix/client/v3';
	const body = {name: 'Talk'};
	const {room_id: room} = await call<{room_id: string}>(app, 'POST', `${client}/createRoom`, {token, body});
	const at = `${client}/rooms/${encodeURIComponent(room)}`;
	const said = {msgtype: 'm.text', body: 'x'};
	const sent = await call<{event_id: string}>(app, 'PUT', `${at}/send/m.room.message/1`, {token, body: said});
	const reason = {reason: 'rude'};
	await call(app, 'POST', `${at}/report/${encodeURIComponent(sent.event_id)}`, {token, body: reason});
	await call(app, 'POST', `${client}/users/${encodeURIComponent(root.user_id)}/report`, {token, body: reason});
	const list = await ask<{event_reports: {id: number}[]}>(app, root, [
		'GET',
		'/v1/event_reports?from=0&limit=10&dir=b',
	]);
	t.is(list.body['total' as never], 1 as never);
	const [report] = list.body.event_reports;
	t.like(report, {
		event_id: sent.event_id,
		room_id: room,
		name: 'Talk',
		user_id: alice.user_id,
		sender: alice.user_id,
		reason: 'rude',
		score: null,
		canonical_alias: null,
	});
	const path = `/v1/event_reports/${report?.id}`;
	const shown = await ask<{event_json: object}>(app, root, ['GET', path]);
	t.like(shown.body.event_json, {type: 'm.room.message', content: said});
	t.is(
		(await ask(app, root, ['GET', `/v1/event_reports?user_id=${encodeURIComponent(root.user_id)}`])).body['total'],
		0,
	);
	const around = `/v1/rooms/${encodeURIComponent(room)}/context`;
	const context = await ask(app, root, ['GET', `${around}/${encodeURIComponent(sent.event_id)}?limit=1`]);
	t.like(context.body['event'], {event_id: sent.event_id, room_id: room, content: said});
	const other = await call<{event_id: string}>(app, 'PUT', `${at}/send/m.room.message/2`, {token, body: said});
	t.is((await ask(app, root, ['GET', `${around}/${encodeURIComponent(other.event_id)}`])).status, 404);
	const people = await ask<{user_reports: {id: number}[]}>(app, root, ['GET', '/v1/user_reports']);
	t.like(people.body.user_reports[0], {target_user_id: root.user_id, user_id: alice.user_id});
	t.is((await ask(app, root, ['GET', `/v1/event_reports/${people.body.user_reports[0]?.id}`])).status, 404);
	t.deepEqual((await ask(app, root, ['DELETE', path])).body, {});
	t.is((await ask(app, root, ['DELETE', path])).status, 404);
	t.is((await ask(app, root, ['GET', '/v1/event_reports/x'])).status, 400);
	t.is((await ask(app, root, ['DELETE', `/v1/user_reports/${people.body.user_reports[0]?.id}`])).status, 200);
	t.deepEqual(await listActs(app), [
		[root.user_id, 'delete-report', sent.event_id],
		[root.user_id, 'delete-report', root.user_id],
	]);
});
