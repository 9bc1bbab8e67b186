import test from 'ava';
import type {JsonObject, ServerName, UserId} from '../../../crypto/index.ts';
import {bob, createWorld, failure, one, request, type World} from './remote-world.ts';

const anna = '@anna:one.test' as UserId;
const fastJoins = {now: () => 1_000};

/** A room of the first server with Anna in it, whose answers to joins leave her out. */
async function createFastWorld(
	t: Parameters<typeof createWorld>[0],
	change: (answer: JsonObject) => void = () => undefined,
) {
	const world = await createWorld(t, '11', 'public', {fastJoins});
	const event = {type: 'm.room.member', stateKey: anna, sender: anna, content: {membership: 'join'}};
	await world.resident.engine.send({roomId: world.roomId, event});
	world.tamper = (answer, {method}) => {
		if (method !== 'PUT') return answer;
		const members = (answer['state'] as JsonObject[]).filter(({type}) => type !== 'm.room.member');
		const told: JsonObject = {...answer, state: members, members_omitted: true, servers_in_room: [one, 'three.test']};
		change(told);
		return told;
	};
	return world;
}

const isPartial = async ({joining, roomId}: World) => (await joining.engine.findRoom(roomId))?.isPartial;

test('a room is entered without its members, and a job to learn them is left in the same commit', async (t) => {
	const world = await createFastWorld(t);
	await world.remote.join(request(world));
	t.deepEqual(world.requests.at(-1)?.query, {omit_members: true});
	t.true(await isPartial(world));
	const {storage} = world.joining;
	t.deepEqual(await storage.memberships.listServers(world.roomId), [one, 'three.test' as ServerName]);
	const eventId = (await (await world.joining.engine.findRoom(world.roomId))?.findState('m.room.member', bob))?.eventId;
	const job = await storage.jobs.find('complete-room', eventId ?? '');
	t.deepEqual(job?.payload, {room_id: world.roomId, servers: [one, 'three.test']});
	t.is(job?.dueTs, 1_000);
});

test('an answer with all members is taken as before, whatever was asked', async (t) => {
	const world = await createFastWorld(t, (answer) => (answer['members_omitted'] = false));
	await world.remote.join(request(world));
	t.false(await isPartial(world));
});

const BAD: Readonly<Record<string, (answer: JsonObject) => void>> = {
	'no servers': (answer) => (answer['servers_in_room'] = []),
	'servers that are none': (answer) => (answer['servers_in_room'] = ['', 5, {}, 'not a server']),
	'no list of servers': (answer) => delete answer['servers_in_room'],
	'no create event': (answer) =>
		(answer['state'] = (answer['state'] as JsonObject[]).filter(({type}) => type !== 'm.room.create')),
};

for (const [what, change] of Object.entries(BAD)) {
	test(`C13: an answer without members that has ${what} lets us join nothing`, async (t) => {
		const world = await createFastWorld(t, change);
		t.is((await failure(t, world.remote.join(request(world)))).code, 'bad_response');
		t.deepEqual(await world.joining.storage.memberships.listLocalJoined(world.roomId), []);
	});
}
