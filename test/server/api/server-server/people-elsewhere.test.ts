/** What this server remembers of other servers' people, which it tells no third one. */
import test from 'ava';
import type {JsonObject} from '../../../../crypto/index.ts';
import {call, createTestDevice, path, until} from '../../../harness/index.ts';
import {startHost} from './world.ts';

const federation = '/_matrix/federation/v1';

test('D5: devices and profiles of another server’s people that are kept here are told to no third server', async (t) => {
	const host = await startHost(t, 2);
	const {app, alice, peer, peers} = host;
	const third = peers[1]!;
	const bob = peer.userId('bob');
	const roomId = await host.createRoom();
	await peer.join(roomId, bob);
	// Even a server that is in the room with both asks bob's own server, not this one.
	await third.join(roomId, third.userId('carol'));
	const {deviceKeys} = createTestDevice({user_id: bob, device_id: 'PHONE', access_token: ''});
	peer.answer = ({url}) => {
		if (url.includes('/user/keys/query')) return {body: {device_keys: {[bob]: {PHONE: deviceKeys}}}};
		if (url.includes('/user/devices/')) {
			return {body: {user_id: bob, stream_id: 1, devices: [{device_id: 'PHONE', keys: deviceKeys}]}};
		}
		if (url.includes('/query/profile')) return {body: {displayname: 'Bob of the desk'}};
		return undefined;
	};
	const query = () =>
		call<{device_keys: Record<string, object>}>(app, 'POST', '/_matrix/client/v3/keys/query', {
			token: alice.access_token,
			body: {device_keys: {[bob]: []}},
		});
	await until(async () => 'PHONE' in ((await query()).device_keys[bob] ?? {}), 'alice sees his device');
	await call(app, 'GET', `/_matrix/client/v3/profile/${path(bob)}`, {token: alice.access_token});
	const nobody = peer.userId('nobody');
	const questions = (userId: string): [string, string, JsonObject?][] => [
		['GET', `${federation}/user/devices/${path(userId)}`],
		['POST', `${federation}/user/keys/query`, {device_keys: {[userId]: []}}],
		['POST', `${federation}/user/keys/claim`, {one_time_keys: {[userId]: {PHONE: 'signed_curve25519'}}}],
		['GET', `${federation}/query/profile?user_id=${path(userId)}`],
	];
	const askedOfPeer = peer.requests.length;
	for (const [index, [method, uri, body]] of questions(bob).entries()) {
		const real = await third.request(method, uri, {body});
		t.false(/PHONE|Bob of the desk/u.test(real.text), `${uri} ${real.text}`);
		const [, otherUri, otherBody] = questions(nobody)[index]!;
		const none = await third.request(method, otherUri, {body: otherBody});
		t.deepEqual([real.status, real.text.replaceAll(bob, '')], [none.status, none.text.replaceAll(nobody, '')], uri);
	}
	t.is(peer.requests.length, askedOfPeer, 'nor is anybody asked for it');
});
