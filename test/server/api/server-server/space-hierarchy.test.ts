import test from 'ava';
import {call, path} from '../../../harness/index.ts';
import {setState, startHost} from './world.ts';

interface Space {
	readonly room: {readonly room_id: string; readonly children_state: readonly unknown[]};
	readonly children: readonly {readonly room_id: string}[];
	readonly inaccessible_children: readonly string[];
}

const at = (roomId: string) => `/_matrix/federation/v1/hierarchy/${path(roomId)}`;

test('another server is told of a space and of the children that its people may see', async (t) => {
	const host = await startHost(t);
	const {app, alice, peer} = host;
	const {room_id: root} = await call<{room_id: string}>(app, 'POST', '/_matrix/client/v3/createRoom', {
		token: alice.access_token,
		body: {preset: 'public_chat', creation_content: {type: 'm.space'}},
	});
	const open = await host.createRoom();
	const closed = await host.createRoom({preset: 'private_chat'});
	for (const child of [open, closed, '!elsewhere:far.example']) {
		await setState(host, root, 'm.space.child', {via: ['news.example']}, child);
	}
	const {status, body} = await peer.request<Space>('GET', at(root));
	t.is(status, 200);
	t.is(body.room.children_state.length, 3);
	t.deepEqual(
		body.children.map(({room_id: roomId}) => roomId),
		[open],
	);
	t.deepEqual(body.inaccessible_children, [closed]);
	t.deepEqual((await peer.request<Space>('GET', `${at(root)}?suggested_only=true`)).body.children, []);
});

test('a server that nobody of may enter is told the same as of no room', async (t) => {
	const host = await startHost(t);
	const closed = await host.createRoom({preset: 'private_chat'});
	const shut = await host.createRoom();
	await setState(host, shut, 'm.room.server_acl', {allow: ['news.example'], deny: [], allow_ip_literals: true});
	const unknown = await host.peer.request('GET', at('!nothing:news.example'));
	t.deepEqual([unknown.status, unknown.body['errcode']], [404, 'M_NOT_FOUND']);
	for (const roomId of [closed, shut]) {
		const answer = await host.peer.request('GET', at(roomId));
		t.deepEqual([answer.status, answer.text], [unknown.status, unknown.text]);
	}
});
