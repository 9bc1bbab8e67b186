/** What the rooms domain has other servers do, with two servers over TLS. */
import test, {type ExecutionContext} from 'ava';
import {register, request, startApps, until} from '../../harness/index.ts';
import {type ClientEvent, Person, room} from '../api/client-server/newsroom.ts';

interface Stage {
	readonly alice: Person;
	readonly bob: Person;
}

/** Two servers, a person on each. */
async function stage(t: ExecutionContext, config: Readonly<Record<string, unknown>> = {}): Promise<Stage> {
	const [one, two] = await startApps(t, 2, {config});
	return {
		alice: new Person(one!, await register(one!, 'alice')),
		bob: new Person(two!, await register(two!, 'bob')),
	};
}

const serverOf = ({id}: Person) => id.slice(id.indexOf(':') + 1);

/** Waits until somebody's membership has come to another person's server. */
const sees = (person: Person, roomId: string, whom: Person, membership: string) =>
	until(async () => {
		const path = `${room(roomId)}/state/m.room.member/${encodeURIComponent(whom.id)}`;
		return (await person.ask('GET', path)).body['membership'] === membership;
	}, `${membership} of ${whom.id}`);

const hears = (person: Person, roomId: string, body: string) =>
	until(async () => {
		const {body: page} = await person.ask('GET', `${room(roomId)}/messages?dir=b`);
		return JSON.stringify(page).includes(body);
	}, body);

test('somebody of another server is invited, joins, talks, leaves, and turns down the next invite', async (t) => {
	const {alice, bob} = await stage(t);
	for (const version of ['1', '3', '11', '12']) {
		const roomId = await alice.create({room_version: version, invite: [bob.id], is_direct: true});
		t.deepEqual(await alice.state(roomId, 'm.room.member', bob.id), {is_direct: true, membership: 'invite'});
		await bob.join(roomId);
		await sees(alice, roomId, bob, 'join');
		await bob.say(roomId, 'from bob');
		await alice.say(roomId, 'from alice');
		await hears(alice, roomId, 'from bob');
		await hears(bob, roomId, 'from alice');
		await bob.do('POST', `${room(roomId)}/leave`);
		await sees(alice, roomId, bob, 'leave');
		await alice.do('POST', `${room(roomId)}/invite`, {user_id: bob.id});
		await bob.do('POST', `${room(roomId)}/leave`, {reason: 'no time'});
		await sees(alice, roomId, bob, 'leave');
	}
});

test('a published alias leads into a room elsewhere, and its history is fetched as far as it goes', async (t) => {
	const {alice, bob} = await stage(t);
	for (const version of ['9', '12']) {
		const name = `desk${version}`;
		const roomId = await alice.create({room_version: version, visibility: 'public', room_alias_name: name});
		for (let index = 0; index < 25; index += 1) await alice.say(roomId, `${index}`);
		await bob.join(`#${name}:${serverOf(alice)}`);
		const seen: unknown[] = [];
		let from: string | undefined;
		do {
			const query = from === undefined ? '' : `&from=${from}`;
			const page: {chunk: ClientEvent[]; end?: string} = await bob.do(
				'GET',
				`${room(roomId)}/messages?dir=b&limit=10${query}`,
			);
			seen.push(...page.chunk.filter(({type}) => type === 'm.room.message').map(({content}) => content['body']));
			from = page.end;
		} while (from !== undefined);
		t.deepEqual(
			seen,
			Array.from({length: 25}, (_value, index) => `${24 - index}`),
			version,
		);
		const unknown = await bob.ask('POST', `/join/${encodeURIComponent(`#none:${serverOf(alice)}`)}`, {});
		t.deepEqual([unknown.status, unknown.body['errcode']], [404, 'M_NOT_FOUND']);
	}
});

test('who knocks elsewhere is let in, and who is in one room elsewhere enters the one that asks for it', async (t) => {
	const {alice, bob} = await stage(t);
	const via = `?via=${encodeURIComponent(serverOf(alice))}`;
	const rule = (content: object) => [{type: 'm.room.join_rules', content}];
	const knockable = await alice.create({initial_state: rule({join_rule: 'knock'})});
	await bob.do('POST', `/knock/${encodeURIComponent(knockable)}${via}`, {reason: 'please'});
	await sees(alice, knockable, bob, 'knock');
	await alice.do('POST', `${room(knockable)}/invite`, {user_id: bob.id});
	await until(async () => (await bob.ask('POST', `${room(knockable)}/join`, {})).status === 200, 'the invite');

	const allow = [{type: 'm.room_membership', room_id: knockable}];
	const restricted = await alice.create({initial_state: rule({join_rule: 'restricted', allow})});
	await bob.do('POST', `/join/${encodeURIComponent(restricted)}${via}`, {});
	await sees(alice, restricted, bob, 'join');
	t.is((await alice.state(restricted, 'm.room.member', bob.id))['join_authorised_via_users_server'], alice.id);
});

test('whose invite or knock ends is told, although their server is not in the room, and of nothing else', async (t) => {
	const {alice, bob} = await stage(t);
	const via = `?via=${encodeURIComponent(serverOf(alice))}`;
	const waiting = async () => {
		const {rooms = {}} = await bob.do<{rooms?: {invite?: object; knock?: object; leave?: object}}>('GET', '/sync');
		return [...Object.keys(rooms.invite ?? {}), ...Object.keys(rooms.knock ?? {})];
	};
	for (const version of ['1', '10', '12']) {
		for (const verb of ['kick', 'ban']) {
			const roomId = await alice.create({room_version: version, invite: [bob.id]});
			await until(async () => (await waiting()).includes(roomId), 'the invite');
			await alice.do('POST', `${room(roomId)}/${verb}`, {user_id: bob.id});
			await alice.say(roomId, 'not for bob');
			await until(async () => (await waiting()).length === 0, `the end of the invite by ${verb}`);
			if (version === '1') continue;
			const initialState = [{type: 'm.room.join_rules', content: {join_rule: 'knock'}}];
			const knockable = await alice.create({room_version: version, initial_state: initialState});
			await bob.do('POST', `/knock/${encodeURIComponent(knockable)}${via}`, {});
			t.deepEqual(await waiting(), [knockable]);
			await alice.do('POST', `${room(knockable)}/${verb}`, {user_id: bob.id, reason: 'no'});
			await until(async () => (await waiting()).length === 0, `the end of the knock by ${verb}`);
			const again = await bob.ask('POST', `/knock/${encodeURIComponent(knockable)}${via}`, {});
			t.is(again.status, verb === 'kick' ? 200 : 403);
			await alice.do('POST', `${room(knockable)}/unban`, {user_id: bob.id}).catch(() => undefined);
			if (verb === 'kick') await bob.do('POST', `${room(knockable)}/leave`);
		}
	}
});

test('a stranger from elsewhere gets one answer, whether the room is there or not', async (t) => {
	const {alice, bob} = await stage(t);
	const closed = await alice.create();
	const absent = `!${'A'.repeat(43)}`;
	const via = `?via=${encodeURIComponent(serverOf(alice))}`;
	for (const verb of ['join', 'knock']) {
		const [real, unreal] = [
			await bob.ask('POST', `/${verb}/${encodeURIComponent(closed)}${via}`, {}),
			await bob.ask('POST', `/${verb}/${encodeURIComponent(absent)}${via}`, {}),
		];
		t.deepEqual([real.status, real.text], [unreal.status, unreal.text], verb);
		t.deepEqual([real.status, real.body['errcode']], [403, 'M_FORBIDDEN'], verb);
	}
});

test('who knocks elsewhere may knock again, whether or not the knock before was turned down', async (t) => {
	const {alice, bob} = await stage(t);
	const initialState = [{type: 'm.room.join_rules', content: {join_rule: 'knock'}}];
	const roomId = await alice.create({initial_state: initialState});
	const knock = (reason: string) =>
		bob.do('POST', `/knock/${encodeURIComponent(roomId)}?via=${serverOf(alice)}`, {reason});
	for (const reason of ['please', 'pretty please']) {
		await knock(reason);
		const member = await alice.state(roomId, 'm.room.member', bob.id);
		t.deepEqual([member['membership'], member['reason']], ['knock', reason]);
	}
	await alice.do('POST', `${room(roomId)}/kick`, {user_id: bob.id});
	await knock('once more');
	t.is((await alice.state(roomId, 'm.room.member', bob.id))['membership'], 'knock');
});

test('an event of before one came is found by its time, in either direction, and its surroundings are there', async (t) => {
	const {alice, bob} = await stage(t);
	const roomId = await alice.create({invite: [bob.id]});
	const first = await alice.say(roomId, 'first');
	const second = await alice.say(roomId, 'second');
	const timeOf = async (eventId: string): Promise<number> => {
		const event = await alice.do('GET', `${room(roomId)}/event/${encodeURIComponent(eventId)}`);
		return Number(event['origin_server_ts']);
	};
	const [firstTs, secondTs] = [await timeOf(first), await timeOf(second)];
	await bob.join(roomId);
	const near = (ts: number, dir: string) =>
		request<{event_id: string}>(
			bob.app,
			'GET',
			`/_matrix/client/v1${room(roomId)}/timestamp_to_event?ts=${ts}&dir=${dir}`,
			{
				token: bob.session.access_token,
			},
		);
	t.is((await near(secondTs, 'b')).body.event_id, second);
	t.is((await near(firstTs, 'f')).body.event_id, first);
	const around = await bob.do<{start: string}>('GET', `${room(roomId)}/context/${encodeURIComponent(second)}?limit=0`);
	const page = await bob.do<{chunk: ClientEvent[]}>('GET', `${room(roomId)}/messages?dir=b&from=${around.start}`);
	t.is(page.chunk[0]?.event_id, first);
	t.is((await near(1, 'b')).status, 404);
});

test('C7: who may enter a restricted room is let in by a server that can, also where their own is in the room but cannot', async (t) => {
	const [one, two] = await startApps(t, 2);
	const bob = new Person(one!, await register(one!, 'bob'));
	const alice = new Person(two!, await register(two!, 'alice'));
	const dave = new Person(two!, await register(two!, 'dave'));
	const eve = new Person(two!, await register(two!, 'evelyn'));
	for (const version of ['8', '10', '11', '12']) {
		const newsroom = await bob.create({room_version: version, preset: 'public_chat'});
		const allow = [{type: 'm.room_membership', room_id: newsroom}];
		const rule = version === '12' ? 'knock_restricted' : 'restricted';
		const desk = await bob.create({
			room_version: version,
			invite: [alice.id],
			power_level_content_override: {invite: 50},
			initial_state: [{type: 'm.room.join_rules', state_key: '', content: {join_rule: rule, allow}}],
		});
		await alice.join(desk);
		const via = `?via=${encodeURIComponent(serverOf(bob))}`;
		await dave.do('POST', `/join/${encodeURIComponent(newsroom)}${via}`);
		await dave.do('POST', `/join/${encodeURIComponent(desk)}`);
		for (const person of [alice, bob]) {
			await sees(person, desk, dave, 'join');
			const member = await person.state(desk, 'm.room.member', dave.id);
			t.is(member['join_authorised_via_users_server'], bob.id, version);
		}
		await dave.say(desk, `of version ${version}`);
		await hears(bob, desk, `of version ${version}`);
		// Who meets no condition is refused here, and nobody is asked.
		const refused = await eve.ask('POST', `/join/${encodeURIComponent(desk)}`, {});
		t.deepEqual([refused.status, refused.body['errcode']], [403, 'M_FORBIDDEN'], version);
	}
});
