/** Rooms of other servers that are entered before it is known who is in them. */
import test, {type ExecutionContext} from 'ava';
import type {RoomId} from '../../../crypto/index.ts';
import {EngineError} from '../../../federation/engine/index.ts';
import {type App, register, startApps, until} from '../../harness/index.ts';
import {type ClientEvent, Person, room} from '../api/client-server/newsroom.ts';
import {allRooms, slide} from '../api/client-server/sliding-answers.ts';

interface SyncAnswer {
	readonly next_batch: string;
	readonly rooms?: {
		readonly join?: Readonly<
			Record<
				string,
				{
					readonly state: {readonly events: readonly ClientEvent[]};
					readonly timeline: {readonly events: readonly ClientEvent[]};
				}
			>
		>;
	};
	readonly device_lists?: {readonly changed?: readonly string[]};
}

/** Keeps a server from saying who is in its rooms, other than with a join, until the gate is open; then it may refuse. */
function closeGate({application}: App, refusal?: Error) {
	const {engine} = application.services.federation.inbound;
	const list = engine.listStateBefore.bind(engine);
	let open = (): void => undefined;
	const opened = new Promise<void>((resolve) => (open = resolve));
	const gate = {asked: 0, open: () => open()};
	engine.listStateBefore = async (eventId, isWanted) => {
		if (!isWanted) {
			gate.asked += 1;
			await opened;
			if (refusal) throw refusal;
		}
		return list(eventId, isWanted);
	};
	return gate;
}

const sorted = (list: readonly (string | undefined)[]): string[] =>
	list.filter((entry) => entry !== undefined).toSorted((a, b) => (a < b ? -1 : 1));

/** @param prepare What happens in the room before Bob enters it. */
async function stage(
	t: ExecutionContext,
	prepare?: (alice: Person, theirs: string, roomId: string) => Promise<unknown>,
) {
	const [one, two] = (await startApps(t, 2, {config: {federation: {fast_joins: true}}})) as [App, App];
	const alice = new Person(one, await register(one, 'alice'));
	const carol = new Person(one, await register(one, 'carol'));
	const bob = new Person(two, await register(two, 'bob'));
	const roomId = await alice.create({preset: 'public_chat', name: 'The newsroom'});
	await carol.join(roomId);
	await prepare?.(alice, bob.id.slice(bob.id.indexOf(':') + 1), roomId);
	const gate = closeGate(one);
	t.teardown(() => gate.open());
	const since = (await sync(bob, '')).next_batch;
	await enter(alice, bob, roomId);
	return {one, two, alice, carol, bob, roomId, gate, since};
}

async function enter(alice: Person, bob: Person, roomId: string): Promise<void> {
	const via = encodeURIComponent(alice.id.slice(alice.id.indexOf(':') + 1));
	await bob.do('POST', `/join/${encodeURIComponent(roomId)}?via=${via}`, {});
}

const LAZY = encodeURIComponent(JSON.stringify({room: {state: {lazy_load_members: true}}}));

function sync(person: Person, since: string, filter = ''): Promise<SyncAnswer> {
	const query = new URLSearchParams({timeout: '0', ...(since !== '' && {since})});
	return person.do<SyncAnswer>('GET', `/sync?${query.toString()}${filter === '' ? '' : `&filter=${filter}`}`);
}

const isPartial = async ({application}: App, roomId: string): Promise<boolean | undefined> =>
	(await application.storage.rooms.find(roomId as RoomId))?.isPartial;

const hears = (person: Person, roomId: string, body: string) =>
	until(async () => {
		const {body: page} = await person.ask('GET', `${room(roomId)}/messages?dir=b`);
		return JSON.stringify(page).includes(body);
	}, body);

test('somebody enters and talks at once, and is shown who is there when it is known', async (t) => {
	const {two, alice, carol, bob, roomId, gate, since} = await stage(t);
	t.true(await isPartial(two, roomId));
	await bob.say(roomId, 'from bob');
	await hears(alice, roomId, 'from bob');
	await carol.say(roomId, 'from carol');
	await hears(bob, roomId, 'from carol');
	t.is((await sync(bob, since)).rooms?.join?.[roomId], undefined, 'who takes rooms whole is not shown half a room');
	const half = (await sync(bob, since, LAZY)).rooms?.join?.[roomId];
	t.true(
		half?.state.events.some((event) => event.state_key === carol.id),
		'who wrote is told before all are known',
	);
	const slid = await slide(bob, undefined, allRooms({required_state: [['m.room.member', '$LAZY']]}));
	t.true(slid.rooms[roomId]?.required_state?.some((event) => event.state_key === carol.id));
	const between = (await sync(bob, since)).next_batch;
	let isAnswered = false;
	const paths = ['members', 'joined_members', 'state'].map((path) => `${room(roomId)}/${path}`);
	const answers = Promise.all(
		paths.map(async (path) => {
			const answer = await bob.do('GET', path);
			isAnswered = true;
			return answer;
		}),
	);
	await until(() => Promise.resolve(gate.asked > 0), 'the question who is there');
	t.false(isAnswered);
	gate.open();
	const [members, joined, state] = (await answers) as unknown as [
		{chunk: ClientEvent[]},
		{joined: object},
		ClientEvent[],
	];
	t.deepEqual(sorted(members.chunk.map(({state_key: key}) => key)), sorted([alice.id, bob.id, carol.id]));
	t.deepEqual(sorted(Object.keys(joined.joined)), sorted([alice.id, bob.id, carol.id]));
	t.is(state.filter(({type}) => type === 'm.room.member').length, 3);
	t.false(await isPartial(two, roomId));
	for (const token of [since, between, '']) {
		const {rooms, device_lists: lists} = await sync(bob, token);
		const shown = rooms?.join?.[roomId];
		const keys = [...(shown?.state.events ?? []), ...(shown?.timeline.events ?? [])].map((event) => event.state_key);
		t.true(
			[alice.id, bob.id, carol.id].every((id) => keys.includes(id)),
			`${token} ${JSON.stringify(shown)}`,
		);
		t.true(JSON.stringify(shown).includes('from carol'));
		if (token !== '')
			t.true(
				[alice.id, carol.id].every((id) => lists?.changed?.includes(id)),
				'their devices are news',
			);
	}
	const lazy = await sync(bob, between, LAZY);
	t.true(lazy.rooms?.join?.[roomId]?.state.events.some((event) => event.state_key === carol.id));
	// And the room goes on, for all.
	const next = (await sync(bob, '')).next_batch;
	await alice.say(roomId, 'all here');
	await hears(bob, roomId, 'all here');
	t.is((await sync(bob, next)).rooms?.join?.[roomId]?.state.events.length, 0);
});

test('a server that is ended while a room is partial completes it after its start', async (t) => {
	const {two, alice, carol, bob, roomId, gate} = await stage(t);
	await until(() => Promise.resolve(gate.asked > 0), 'the question who is there');
	await two.application.stop();
	const again = await two.restart();
	t.true(await isPartial(again, roomId));
	gate.open();
	again.advance(3_600_000);
	await until(async () => (await isPartial(again, roomId)) === false, 'the room complete');
	const {joined} = await new Person(again, bob.session).do<{joined: object}>('GET', `${room(roomId)}/joined_members`);
	t.deepEqual(sorted(Object.keys(joined)), sorted([alice.id, bob.id, carol.id]));
});

test('who leaves before it is known who is there is out at once, and may come back', async (t) => {
	const {two, alice, carol, bob, roomId, gate} = await stage(t);
	await bob.do('POST', `${room(roomId)}/leave`, {});
	await until(async () => {
		const path = `${room(roomId)}/state/m.room.member/${encodeURIComponent(bob.id)}`;
		return (await alice.ask('GET', path)).body['membership'] === 'leave';
	}, 'the leave');
	t.is((await bob.ask('GET', `${room(roomId)}/joined_members`)).status, 403);
	const asked = gate.asked;
	const entered = enter(alice, bob, roomId);
	await until(() => Promise.resolve(gate.asked > asked), 'the question who was there the last time');
	gate.open();
	await entered;
	await until(async () => (await isPartial(two, roomId)) === false, 'the room complete');
	const {joined} = await bob.do<{joined: object}>('GET', `${room(roomId)}/joined_members`);
	t.deepEqual(sorted(Object.keys(joined)), sorted([alice.id, bob.id, carol.id]));
});

test('who is there is asked of the next server where the first one refuses to say', async (t) => {
	const [one, two, three] = (await startApps(t, 3, {config: {federation: {fast_joins: true}}})) as [App, App, App];
	const alice = new Person(one, await register(one, 'alice'));
	const bob = new Person(two, await register(two, 'bob'));
	const carol = new Person(three, await register(three, 'carol'));
	const roomId = await alice.create({preset: 'public_chat'});
	await enter(alice, carol, roomId);
	await until(async () => (await isPartial(three, roomId)) === false, 'the room complete');
	const gate = closeGate(one, new EngineError('forbidden', 'not you'));
	t.teardown(() => gate.open());
	await enter(alice, bob, roomId);
	await until(async () => {
		const path = `${room(roomId)}/state/m.room.member/${encodeURIComponent(bob.id)}`;
		return (await carol.ask('GET', path)).status === 200;
	}, 'the entry at the third server');
	gate.open();
	await until(async () => (await isPartial(two, roomId)) === false, 'the room complete');
	t.true(gate.asked > 0);
	const {joined} = await bob.do<{joined: object}>('GET', `${room(roomId)}/joined_members`);
	t.deepEqual(sorted(Object.keys(joined)), sorted([alice.id, bob.id, carol.id]));
});

test('others of our server are let in by one that knows who is banned, until we know', async (t) => {
	const {two, alice, bob, roomId, gate} = await stage(t, async (host, theirs, id) => {
		await host.do('POST', `${room(id)}/ban`, {user_id: `@dave:${theirs}`});
	});
	const [dave, erin] = [new Person(two, await register(two, 'dave')), new Person(two, await register(two, 'erin'))];
	t.is((await dave.ask('POST', `/join/${encodeURIComponent(roomId)}`, {})).status, 403);
	await erin.join(roomId);
	t.true(await isPartial(two, roomId));
	await erin.say(roomId, 'from erin');
	await hears(alice, roomId, 'from erin');
	await hears(bob, roomId, 'from erin');
	gate.open();
	await until(async () => (await isPartial(two, roomId)) === false, 'the room complete');
	t.is((await bob.state(roomId, 'm.room.member', dave.id))['membership'], 'ban');
	t.is((await dave.ask('POST', `/join/${encodeURIComponent(roomId)}`, {})).status, 403);
	t.is((await alice.state(roomId, 'm.room.member', erin.id))['membership'], 'join');
});

test('whoever is invited, asks to be let in or is put out waits until it is known who is banned', async (t) => {
	const {two, alice, carol, bob, roomId, gate} = await stage(t, async (host, theirs, id) => {
		await host.do('POST', `${room(id)}/ban`, {user_id: `@dave:${theirs}`});
		await host.do('PUT', `${room(id)}/state/m.room.power_levels/`, {
			users: {[`@bob:${theirs}`]: 50},
		});
	});
	const [dave, erin] = [new Person(two, await register(two, 'dave')), new Person(two, await register(two, 'erin'))];
	await alice.do('PUT', `${room(roomId)}/state/m.room.join_rules/`, {join_rule: 'knock'});
	await until(
		async () => (await bob.state(roomId, 'm.room.join_rules', ''))['join_rule'] === 'knock',
		'the new rule here',
	);
	const asks = [
		bob.ask('POST', `${room(roomId)}/invite`, {user_id: dave.id}),
		dave.ask('POST', `/knock/${encodeURIComponent(roomId)}`, {}),
		erin.ask('POST', `/knock/${encodeURIComponent(roomId)}`, {}),
		bob.ask('POST', `${room(roomId)}/kick`, {user_id: carol.id}),
	];
	let answered = 0;
	for (const asked of asks) void asked.then(() => (answered += 1));
	await until(() => Promise.resolve(gate.asked > 0), 'the question who is there');
	t.is(answered, 0);
	gate.open();
	t.deepEqual(
		(await Promise.all(asks)).map(({status}) => status),
		[403, 403, 200, 200],
	);
	t.is((await bob.state(roomId, 'm.room.member', dave.id))['membership'], 'ban');
	await until(
		async () => (await alice.state(roomId, 'm.room.member', erin.id))['membership'] === 'knock',
		'the knock there',
	);
});

test('who comes back does not wait for long until a server tells who was there the last time', async (t) => {
	const {two, alice, bob, roomId, gate} = await stage(t);
	await bob.do('POST', `${room(roomId)}/leave`, {});
	const asked = gate.asked;
	const entered = enter(alice, bob, roomId);
	await until(() => Promise.resolve(gate.asked > asked), 'the question who was there the last time');
	two.advance(20_000);
	await entered;
	t.is((await bob.state(roomId, 'm.room.member', bob.id))['membership'], 'join');
	await bob.say(roomId, 'back again');
	await hears(alice, roomId, 'back again');
});
