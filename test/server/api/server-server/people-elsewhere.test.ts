/** What other servers say of their people: what is kept of it is told to no third one, and what is odd in it harms nobody. */
import test from 'ava';
import {canonicalJson, type JsonObject, type JsonValue} from '../../../../crypto/index.ts';
import {call, createTestDevice, path, request, until} from '../../../harness/index.ts';
import {say, startHost, startShared} from './world.ts';

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

test('B10: whatever another server gives as keys, a client is answered, and what it is sent arrives', async (t) => {
	const {app, alice, peer, bob, roomId} = await startShared(t);
	const {deviceKeys} = createTestDevice({user_id: bob, device_id: 'PHONE', access_token: ''});
	const token = alice.access_token;
	const odd: JsonValue[] = [
		null,
		{},
		{device_keys: null},
		{device_keys: {[bob]: null}},
		{device_keys: {[bob]: {PHONE: null}}, master_keys: {[bob]: null}, self_signing_keys: null},
		{device_keys: {[bob]: {PHONE: {...deviceKeys, user_id: alice.user_id}}}},
		{device_keys: {[bob]: {OTHER: deviceKeys}}},
		{device_keys: {[bob]: {PHONE: {...deviceKeys, keys: null}}}},
		{device_keys: {[alice.user_id]: {[alice.device_id]: deviceKeys}}},
	];
	for (const [index, body] of odd.entries()) {
		peer.answer = ({url}) => {
			if (url.includes('/federation/v1/send/')) return {body: {pdus: {}}};
			return /user\/(?:keys\/query|devices)/u.test(url) ? {body: canonicalJson(body)} : undefined;
		};
		app.advance(3_600_000);
		const {status, text} = await request(app, 'POST', '/_matrix/client/v3/keys/query', {
			token,
			body: {device_keys: {[bob]: []}},
		});
		t.is(status, 200, `${JSON.stringify(body)} ${text}`);
		t.false(text.includes('PHONE') || text.includes('OTHER'), text);
		await call(app, 'PUT', `/_matrix/client/v3/sendToDevice/m.test/${index}`, {
			token,
			body: {messages: {[bob]: {PHONE: {mark: `mark-${index}.`}}}},
		});
		const heard = () =>
			peer.requests.some(({url, body: sent}) => url.includes('/send/') && sent.includes(`mark-${index}.`));
		await until(heard, `message ${index}`);
	}
	await say({app, alice}, roomId, 'after all');
	await until(() => peer.requests.some(({body}) => body.includes('after all')), 'the event');
});
