import test from 'ava';
import {request} from '../../../harness/index.ts';
import {startHost} from './world.ts';

test('B4: nobody is let in by an address, whatever the room', async (t) => {
	const host = await startHost(t);
	const roomId = await host.createRoom();
	const at = (id: string) => `/_matrix/federation/v1/exchange_third_party_invite/${encodeURIComponent(id)}`;
	const real = await host.peer.request('PUT', at(roomId), {body: {type: 'm.room.member'}});
	const unreal = await host.peer.request('PUT', at('!nothing:news.example'), {body: {type: 'm.room.member'}});
	t.deepEqual([real.status, real.body['errcode']], [403, 'M_FORBIDDEN']);
	t.is(real.text, unreal.text);
	t.is((await request(host.app, 'PUT', at(roomId), {body: {}})).status, 401);
});

test('news of addresses are not taken', async (t) => {
	const {app} = await startHost(t, 0);
	const at = '/_matrix/federation/v1/3pid/onbind';
	const answer = await request(app, 'PUT', at, {body: {address: 'alice@news.example', medium: 'email'}});
	t.deepEqual([answer.status, answer.body['errcode']], [403, 'M_FORBIDDEN']);
	t.is((await request(app, 'PUT', at)).status, 400);
});

test('questions of other kinds are not known', async (t) => {
	const {app, peer} = await startHost(t);
	const answer = await peer.request('GET', '/_matrix/federation/v1/query/weather?where=here');
	t.deepEqual([answer.status, answer.body['errcode']], [404, 'M_UNRECOGNIZED']);
	t.is((await peer.request('GET', '/_matrix/federation/v1/query/directory?room_alias=nothing')).status, 400);
	t.is((await request(app, 'GET', '/_matrix/federation/v1/query/weather')).status, 401);
});
