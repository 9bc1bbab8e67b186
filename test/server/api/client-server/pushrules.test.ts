import test from 'ava';
import {newsroom, type Person} from './newsroom.ts';
import {sync} from './sync-answers.ts';

interface Rule {
	readonly rule_id: string;
	readonly enabled: boolean;
	readonly default: boolean;
	readonly actions: readonly unknown[];
	readonly pattern?: string;
}
type Ruleset = Readonly<Record<string, readonly Rule[]>>;

const rules = (person: Person) => person.do<Ruleset>('GET', '/pushrules/global/');
const unread = async (person: Person, roomId: string) =>
	(await sync(person)).rooms?.join?.[roomId]?.unread_notifications;
const idsOf = (list: readonly Rule[] | undefined) => (list ?? []).map(({rule_id: id}) => id);

test('everybody has the default rules, the master first', async (t) => {
	const {alice} = await newsroom(t);
	const {global} = await alice.do<{global: Ruleset}>('GET', '/pushrules/');
	t.deepEqual(global, await rules(alice));
	t.deepEqual(idsOf(global['override']), [
		'.m.rule.master',
		'.m.rule.suppress_notices',
		'.m.rule.invite_for_me',
		'.m.rule.member_event',
		'.m.rule.is_user_mention',
		'.m.rule.is_room_mention',
		'.m.rule.tombstone',
		'.m.rule.reaction',
		'.m.rule.room.server_acl',
		'.m.rule.suppress_edits',
	]);
	t.is(global['underride']?.length, 5);
	const master = await alice.do('GET', '/pushrules/global/override/.m.rule.master');
	t.is(master['enabled'], false);
	t.deepEqual(await alice.do('GET', '/pushrules/global/underride/.m.rule.message/actions'), {actions: ['notify']});
});

test('rules are added where they are wanted, changed, and removed', async (t) => {
	const {alice} = await newsroom(t);
	const {next_batch: since} = await sync(alice);
	const put = (id: string, query = '', body: object = {pattern: id, actions: ['notify', 'dont_notify']}) =>
		alice.ask('PUT', `/pushrules/global/content/${id}${query}`, body);
	await put('a');
	await put('b');
	await put('c', '?after=b');
	await put('d', '?before=b');
	t.deepEqual(idsOf((await rules(alice))['content']), ['d', 'b', 'c', 'a']);
	t.deepEqual(await alice.do('GET', '/pushrules/global/content/a/actions'), {actions: ['notify', 'dont_notify']});
	await alice.do('PUT', '/pushrules/global/content/b/enabled', {enabled: false});
	await put('b', '', {pattern: 'other', actions: []});
	const b = await alice.do('GET', '/pushrules/global/content/b');
	t.deepEqual([b['enabled'], b['pattern'], b['actions']], [false, 'other', []]);
	await alice.do('DELETE', '/pushrules/global/content/b');
	t.is((await alice.ask('GET', '/pushrules/global/content/b')).status, 404);
	t.is((await alice.ask('DELETE', '/pushrules/global/content/b')).status, 404);
	await alice.do('PUT', '/pushrules/global/override/.m.rule.master/enabled', {enabled: true});
	t.deepEqual(await alice.do('GET', '/pushrules/global/override/.m.rule.master/enabled'), {enabled: true});
	const told = (await sync(alice, since)).account_data?.events;
	t.deepEqual(told, [{type: 'm.push_rules', content: {global: await rules(alice)}}]);
});

test('what is no rule is refused', async (t) => {
	const {alice} = await newsroom(t);
	const body = {actions: []};
	for (const [path, status, sent] of [
		['/pushrules/global/override/.own', 400, body],
		['/pushrules/global/override/a%2Fb', 400, body],
		['/pushrules/global/content/a', 400, body],
		['/pushrules/global/room/notaroom', 400, body],
		['/pushrules/global/sender/notauser', 400, body],
		['/pushrules/global/elsewhere/a', 400, body],
		['/pushrules/global/override/a?after=unknown', 404, body],
		['/pushrules/global/override/a', 400, {actions: [5]}],
		['/pushrules/global/override/a', 400, {actions: [], conditions: [7]}],
		['/pushrules/global/override/a', 400, {}],
		['/pushrules/global/override/.m.rule.unknown/enabled', 404, {enabled: true}],
	] as const) {
		t.is((await alice.ask('PUT', path, sent)).status, status, path);
	}
	t.is((await rules(alice))['override']?.length, 10);
});

test('a person’s own rules decide what counts for them', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	await alice.say(roomId, 'one');
	t.deepEqual(await unread(bob, roomId), {notification_count: 1, highlight_count: 0});
	await bob.do('PUT', '/pushrules/global/content/cake', {
		pattern: 'cake',
		actions: ['notify', {set_tweak: 'highlight'}],
	});
	await alice.say(roomId, 'there is CAKE.');
	await alice.say(roomId, 'pancakes');
	t.deepEqual(await unread(bob, roomId), {notification_count: 3, highlight_count: 1});
	await bob.do('PUT', `/pushrules/global/room/${encodeURIComponent(roomId)}`, {actions: []});
	t.deepEqual(await unread(bob, roomId), {notification_count: 1, highlight_count: 1});
	await bob.do('PUT', '/pushrules/global/override/big', {
		conditions: [
			{kind: 'room_member_count', is: '>1'},
			{kind: 'event_match', key: 'sender', pattern: '@al*'},
		],
		actions: [],
	});
	t.deepEqual(await unread(bob, roomId), {notification_count: 0, highlight_count: 0});
	await bob.do('PUT', '/pushrules/global/override/big', {
		conditions: [{kind: 'org.example.unknown'}, {kind: 'room_member_count', is: '>1'}],
		actions: [],
	});
	t.deepEqual(await unread(bob, roomId), {notification_count: 1, highlight_count: 1});
	await bob.do('PUT', '/pushrules/global/override/.m.rule.master/enabled', {enabled: true});
	t.deepEqual(await unread(bob, roomId), {notification_count: 0, highlight_count: 0});
	t.is((await sync(bob)).rooms?.join?.[roomId]?.timeline.events.length, 10);
});

test('of kinds that are not there no rule is found, and none can be added', async (t) => {
	const {alice} = await newsroom(t);
	const rule = '/pushrules/global/postcontent/.io.element.msc4306.rule.subscribed_thread';
	for (const [method, uri, body] of [
		['GET', rule],
		['DELETE', rule],
		['PUT', `${rule}/enabled`, {enabled: false}],
	] as const) {
		const {status, body: answer} = await alice.ask(method, uri, body);
		t.deepEqual([status, (answer as {errcode: string}).errcode], [404, 'M_NOT_FOUND'], `${method} ${uri}`);
	}
	const {status, body} = await alice.ask('PUT', '/pushrules/global/postcontent/mine', {actions: ['notify']});
	t.deepEqual([status, (body as {errcode: string}).errcode], [400, 'M_INVALID_PARAM']);
});
