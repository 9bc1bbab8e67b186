import test from 'ava';
import {request} from '../../../harness/index.ts';
import {startHost} from '../server-server/world.ts';
import {errorOf, newsroom, noRoom, Person, room} from './newsroom.ts';

interface Entry {
	readonly room_id: string;
	readonly name?: string;
	readonly children_state: readonly {readonly state_key: string}[];
}

interface Page {
	readonly rooms: readonly Entry[];
	readonly next_batch?: string;
}

const ask = <T = Page>(person: Person, roomId: string, query = '') =>
	request<T>(person.app, 'GET', `/_matrix/client/v1${room(roomId)}/hierarchy${query}`, {
		token: person.session.access_token,
	});
const walk = async (person: Person, roomId: string, query = ''): Promise<Page> => {
	const {status, body, text} = await ask(person, roomId, query);
	if (status !== 200) throw new Error(`expected 200, got ${status} ${text}`);
	return body;
};
const names = ({rooms}: Page) => rooms.map(({name}) => name);
const space = (person: Person, name: string, more: object = {}) =>
	person.create({name, preset: 'public_chat', creation_content: {type: 'm.space'}, ...more});
const link = (person: Person, parent: string, child: string, content: object = {}) =>
	person.setState(parent, 'm.space.child', {via: ['news.example'], ...content}, child);

test('F12: a tree is walked depth first, in the order of its children, page by page, and loops are broken', async (t) => {
	const {alice} = await newsroom(t);
	const root = await space(alice, 'Root');
	const [r1, s1, r2] = [await alice.create({name: 'R1'}), await space(alice, 'S1'), await alice.create({name: 'R2'})];
	const [s2, r3] = [await space(alice, 'S2'), await alice.create({name: 'R3'})];
	await link(alice, root, r1, {order: 'b'});
	await link(alice, root, s1, {suggested: true});
	await link(alice, root, r2, {order: 'a', suggested: true});
	await link(alice, s1, s2);
	await link(alice, s2, r3);
	await link(alice, s2, root);
	await link(alice, r2, r3);
	t.deepEqual(names(await walk(alice, root)), ['Root', 'R2', 'R1', 'S1', 'S2', 'R3']);
	t.deepEqual(names(await walk(alice, root, '?max_depth=1')), ['Root', 'R2', 'R1', 'S1']);
	t.deepEqual(names(await walk(alice, root, '?max_depth=0')), ['Root']);
	const suggested = await walk(alice, root, '?suggested_only=true');
	t.deepEqual(names(suggested), ['Root', 'R2', 'S1']);
	t.deepEqual(
		suggested.rooms[0]!.children_state.map(({state_key: key}) => key),
		[r2, s1],
	);
	const first = await walk(alice, root, '?limit=4');
	t.deepEqual(names(first), ['Root', 'R2', 'R1', 'S1']);
	const last = await walk(alice, root, `?limit=4&from=${first.next_batch}`);
	t.deepEqual(names(last), ['S2', 'R3']);
	t.is(last.next_batch, undefined);
	for (const query of [
		`?from=${first.next_batch}&max_depth=1`,
		`?from=${first.next_batch}&suggested_only=true`,
		'?from=no',
		'?limit=0',
	]) {
		const answer = await ask<Record<string, unknown>>(alice, root, query);
		t.deepEqual([answer.status, answer.body['errcode']], [400, 'M_INVALID_PARAM'], query);
	}
	await alice.setState(root, 'm.space.child', {}, s1);
	t.deepEqual(names(await walk(alice, root)), ['Root', 'R2', 'R1']);
});

test('rooms that somebody may not enter, ask for or read are left out, with what lies below', async (t) => {
	const {alice, bob} = await newsroom(t);
	const root = await space(alice, 'Root');
	const rule = (content: object) => ({initial_state: [{type: 'm.room.join_rules', content}]});
	const hidden = await alice.create({name: 'Hidden'});
	const below = await space(alice, 'Closed', {preset: 'private_chat'});
	const open = await alice.create({name: 'Open', preset: 'public_chat'});
	const knock = await alice.create({name: 'Knock', ...rule({join_rule: 'knock'})});
	const invited = await alice.create({name: 'Invited', invite: [bob.id]});
	const restricted = await alice.create({
		name: 'Restricted',
		...rule({join_rule: 'restricted', allow: [{type: 'm.room_membership', room_id: root}]}),
	});
	for (const child of [hidden, below, knock, invited, restricted]) await link(alice, root, child);
	await link(alice, below, open);
	t.deepEqual(names(await walk(bob, root)), ['Root', 'Knock', 'Invited']);
	await bob.join(root);
	t.deepEqual(names(await walk(bob, root)), ['Root', 'Knock', 'Invited', 'Restricted']);
	const [real, unreal] = [
		await ask<Record<string, unknown>>(bob, below),
		await ask<Record<string, unknown>>(bob, noRoom(below)),
	];
	t.deepEqual(errorOf(real), errorOf(unreal));
	t.deepEqual([real.status, real.body['errcode']], [403, 'M_FORBIDDEN']);
});

test('children of other servers are asked for there; what must not be told to a person is not', async (t) => {
	const {app, alice: session, peer} = await startHost(t);
	const alice = new Person(app, session);
	const root = await space(alice, 'Root');
	const far = '!far:elsewhere.example';
	const summary = (roomId: string, joinRule: string, more: object = {}) => ({
		room_id: roomId,
		name: roomId,
		num_joined_members: 1,
		world_readable: false,
		guest_can_join: false,
		join_rule: joinRule,
		...more,
	});
	const child = (roomId: string) => ({
		type: 'm.space.child',
		state_key: roomId,
		sender: peer.userId('bob'),
		content: {via: [peer.name]},
		origin_server_ts: 1,
	});
	const inside = ['!open:far', '!closed:far', '!secret:far'];
	peer.answer = ({url}) =>
		url.startsWith('/_matrix/federation/v1/hierarchy/')
			? {
					body: {
						room: {...summary(far, 'public', {room_type: 'm.space'}), children_state: inside.map(child)},
						children: [summary('!open:far', 'public'), summary('!closed:far', 'invite')],
						inaccessible_children: ['!secret:far'],
					},
				}
			: undefined;
	const {answer} = peer;
	peer.answer = () => undefined;
	await alice.setState(root, 'm.space.child', {via: [peer.name]}, far);
	t.deepEqual(names(await walk(alice, root)), ['Root'], 'a server that tells nothing is asked again');
	peer.answer = answer;
	const before = peer.requests.length;
	t.deepEqual(names(await walk(alice, root)), ['Root', far, '!open:far']);
	await walk(alice, root);
	t.is(peer.requests.slice(before).filter(({url}) => url.includes('/hierarchy/')).length, 1, 'an answer is remembered');
});
