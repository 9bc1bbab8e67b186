/** Row E15 of the list of threats: nothing that is said in a room, or done to one, governs the server. */
import test from 'ava';
import type {UserId} from '../../../crypto/index.ts';
import {toFederationEvent} from '../../../federation/rooms/index.ts';
import {register} from '../../harness/index.ts';
import {Person, room} from '../api/client-server/newsroom.ts';
import {hear, startShared} from '../api/server-server/world.ts';

const commands = [
	'!admin users make-user-admin @mallory:news.example',
	'!admin users create-user eve',
	'@conduit:news.example: create-user eve',
	'\\\\!admin users deactivate @alice:news.example',
	'/admin make-admin',
];

test('E15: words in a room make nobody an administrator and no account, whoever says them and whatever the room is called', async (t) => {
	const host = await startShared(t);
	const {app, peer, room: shared, roomId, bob} = host;
	const {accounts} = app.application.services;
	const mallory = new Person(app, await register(app, 'mallory'));
	const server = '@server:news.example';
	await mallory.join(roomId);
	const admins = await mallory.create({
		room_alias_name: 'admins',
		name: 'Admin Room',
		preset: 'public_chat',
		visibility: 'public',
		room_version: '11',
	});
	for (const [index, command] of commands.entries()) {
		for (const where of [roomId, admins]) await mallory.say(where, command, `${index}`);
		const remote = peer.message(shared, bob, command);
		await peer.send(`t${index}`, [toFederationEvent(remote)]);
		await hear(host, roomId, command);
	}
	// Names under which servers speak for themselves are people's names like others, and give no rights.
	for (const name of ['server', 'conduit', 'admin', 'root']) {
		const {user_id: userId} = await register(app, name);
		t.like(await accounts.find(userId as UserId), {isAdmin: false});
	}
	await mallory.ask('POST', `${room(admins)}/invite`, {user_id: server});
	await mallory.setState(admins, 'm.room.power_levels', {users: {[mallory.id]: 100, [server]: 100}});
	t.like(await accounts.find(mallory.id as UserId), {isAdmin: false, isDeactivated: false});
	t.like(await accounts.find(host.alice.user_id as UserId), {isAdmin: false, isDeactivated: false});
	t.is(await accounts.find('@eve:news.example' as UserId), undefined);
	t.is((await mallory.ask('GET', '/account/whoami')).status, 200);
});
