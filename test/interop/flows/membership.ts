/** How people come into rooms of another server and out of them again. */
import type {Flow} from './flow.ts';
import {roomPath, viaQuery} from './somebody.ts';

const RESTRICTED_VERSIONS = ['10', '11', '12'];

/** In the order in which a person would do them. */
export const MEMBERSHIP: readonly Flow[] = [
	{
		name: 'a published alias leads into a room, out of it, and in again',
		versions: RESTRICTED_VERSIONS,
		async run({host, guest, roomVersion}) {
			const localpart = `plaza-${roomVersion}-${host.session.device_id.toLowerCase()}`;
			const roomId = await host.createRoom(roomVersion, {
				preset: 'public_chat',
				visibility: 'public',
				room_alias_name: localpart,
			});
			const alias = `#${localpart}:${host.server.name}`;
			const found = await guest.call('GET', `/v3/directory/room/${encodeURIComponent(alias)}`);
			if (found['room_id'] !== roomId) throw new Error(`expected ${roomId}, got ${JSON.stringify(found)}`);
			const before = await host.send(roomId, 'before anybody came');
			await guest.join(alias, host);
			await host.sees(roomId, guest, 'join');
			await guest.seesEvent(roomId, await host.send(roomId, 'welcome'));
			await guest.readsBack(roomId, before);
			await guest.call('POST', `${roomPath(roomId)}/leave`, {});
			await host.sees(roomId, guest, 'leave');
			await guest.join(roomId, host);
			await host.sees(roomId, guest, 'join');
			await host.seesEvent(roomId, await guest.send(roomId, 'here again'));
		},
	},
	{
		name: 'an invite is turned down',
		async run({host, guest, roomVersion}) {
			const roomId = await host.createRoom(roomVersion);
			await host.bringIn(roomId, guest);
			await guest.call('POST', `${roomPath(roomId)}/leave`, {});
			await host.sees(roomId, guest, 'leave');
			await host.invite(roomId, guest);
			await guest.isInvited(roomId);
			await guest.call('POST', `${roomPath(roomId)}/leave`, {});
			await host.sees(roomId, guest, 'leave');
		},
	},
	{
		name: 'an invite is taken back',
		async run({host, guest, roomVersion}) {
			const roomId = await host.createRoom(roomVersion);
			await host.invite(roomId, guest);
			await guest.isInvited(roomId);
			await host.call('POST', `${roomPath(roomId)}/kick`, {user_id: guest.userId});
			await guest.isNotInvited(roomId);
		},
	},
	{
		name: 'somebody knocks and is let in',
		versions: RESTRICTED_VERSIONS,
		async run({host, guest, roomVersion}) {
			const joinRule = {type: 'm.room.join_rules', state_key: '', content: {join_rule: 'knock'}};
			const roomId = await host.createRoom(roomVersion, {initial_state: [joinRule]});
			const knock = `/v3/knock/${encodeURIComponent(roomId)}?${viaQuery(host)}`;
			await guest.call('POST', knock, {reason: 'May I?'});
			await host.sees(roomId, guest, 'knock');
			await guest.waitFor('the knock', async () => (await guest.sync()).rooms?.knock?.[roomId] !== undefined);
			await host.bringIn(roomId, guest);
		},
	},
	{
		name: 'a knock is turned down, and another is taken back',
		async run({host, guest, roomVersion}) {
			const joinRule = {type: 'm.room.join_rules', state_key: '', content: {join_rule: 'knock'}};
			const roomId = await host.createRoom(roomVersion, {initial_state: [joinRule]});
			const knock = `/v3/knock/${encodeURIComponent(roomId)}?${viaQuery(host)}`;
			await guest.call('POST', knock, {});
			await host.sees(roomId, guest, 'knock');
			await host.call('POST', `${roomPath(roomId)}/kick`, {user_id: guest.userId});
			await host.sees(roomId, guest, 'leave');
			// Synapse 1.163 takes a knock back at home only, and tells no other server.
			if (guest.server.isForeign) return;
			await guest.call('POST', knock, {});
			await host.sees(roomId, guest, 'knock');
			await guest.call('POST', `${roomPath(roomId)}/leave`, {});
			await host.sees(roomId, guest, 'leave');
		},
	},
	{
		name: 'who is in one room may join another',
		versions: RESTRICTED_VERSIONS,
		async run({host, guest, stranger, roomVersion}) {
			const club = await host.createRoom(roomVersion);
			const allow = [{type: 'm.room_membership', room_id: club}];
			const content = {join_rule: 'restricted', allow};
			const bar = await host.createRoom(roomVersion, {
				initial_state: [{type: 'm.room.join_rules', state_key: '', content}],
			});
			await host.bringIn(club, guest);
			await guest.join(bar, host);
			await host.sees(bar, guest, 'join');
			await host.seesEvent(bar, await guest.send(bar, 'a member of the club'));
			const status = await stranger.statusOf('POST', `/v3/join/${encodeURIComponent(bar)}?${viaQuery(host)}`, {});
			if (status !== 403 && status !== 404) throw new Error(`expected a stranger to be refused, got ${status}`);
		},
	},
	{
		name: 'who is in one room may join another where only the other server can say so',
		versions: RESTRICTED_VERSIONS,
		async run({host, guest, stranger, roomVersion}) {
			const club = await host.createRoom(roomVersion);
			const content = {join_rule: 'restricted', allow: [{type: 'm.room_membership', room_id: club}]};
			const bar = await host.createRoom(roomVersion, {
				initial_state: [{type: 'm.room.join_rules', state_key: '', content}],
			});
			// The guest's server is in the room already, but nobody there may invite.
			await host.bringIn(bar, guest);
			await host.bringIn(club, stranger);
			await stranger.join(bar, host);
			await host.sees(bar, stranger, 'join');
			await guest.sees(bar, stranger, 'join');
		},
	},
	{
		name: 'somebody is banned, stays out, and comes back when the ban is lifted',
		async run({host, guest, roomVersion}) {
			const roomId = await host.createRoom(roomVersion, {preset: 'public_chat'});
			await guest.join(roomId, host);
			await host.sees(roomId, guest, 'join');
			await host.call('POST', `${roomPath(roomId)}/ban`, {user_id: guest.userId, reason: 'noise'});
			await guest.waitFor('the ban', async () => (await guest.sync()).rooms?.join?.[roomId] === undefined);
			const status = await guest.statusOf('POST', `/v3/join/${encodeURIComponent(roomId)}?${viaQuery(host)}`, {});
			if (status !== 403) throw new Error(`expected somebody banned to be refused, got ${status}`);
			await host.call('POST', `${roomPath(roomId)}/unban`, {user_id: guest.userId});
			await guest.waitFor('the room’s door open', async () => {
				const path = `/v3/join/${encodeURIComponent(roomId)}?${viaQuery(host)}`;
				return (await guest.statusOf('POST', path, {})) === 200;
			});
			await host.sees(roomId, guest, 'join');
		},
	},
];
