import test from 'ava';
import {call, register, request, startApp} from '../../harness/index.ts';

test('who is invited may know who invited them, until the invite is answered; the inviter learns no profile', async (t) => {
	const app = await startApp(t);
	const [alice, bob, carol] = [
		await register(app, 'alice'),
		await register(app, 'bobby'),
		await register(app, 'carol'),
	];
	const profileOf = async (asker: typeof alice, target: typeof alice) =>
		(await request(app, 'GET', `/_matrix/client/v3/profile/${target.user_id}`, {token: asker.access_token})).status;
	t.is(await profileOf(bob, alice), 403);
	const {room_id: roomId} = await call<{room_id: string}>(app, 'POST', '/_matrix/client/v3/createRoom', {
		token: alice.access_token,
		body: {preset: 'private_chat', invite: [bob.user_id]},
	});
	t.is(await profileOf(bob, alice), 200);
	t.is(await profileOf(alice, bob), 403);
	t.is(await profileOf(carol, alice), 403);
	await call(app, 'POST', `/_matrix/client/v3/rooms/${roomId}/leave`, {token: bob.access_token, body: {}});
	t.is(await profileOf(bob, alice), 403);
});
