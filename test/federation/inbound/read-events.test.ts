import test from 'ava';
import type {JsonObject, UserId} from '../../../crypto/index.ts';
import {readEvent, readEventAuth, readMissingEvents, readStateIds} from '../../../federation/inbound/index.ts';
import {firstEvents, type TestEngine} from '../../harness/engine.ts';
import {deliver, EngineNetwork, joinThrough} from '../../harness/engine-network.ts';

const alice = '@alice:one.test' as UserId;
const bob = '@bob:two.test' as UserId;
const membership = (target: UserId, value: string, sender = alice) => ({
	type: 'm.room.member',
	stateKey: target,
	sender,
	content: {membership: value} as JsonObject,
});
const message = (body: string) => ({type: 'm.room.message', sender: alice, content: {msgtype: 'm.text', body}});
const inboundOf = ({storage, engine, serverName}: TestEngine) => ({storage, engine, serverName});

async function setUp(network: EngineNetwork) {
	const [one, two] = [await network.add('one.test'), await network.add('two.test')];
	const {roomId} = await one.engine.createRoom({version: '12', events: firstEvents('12', alice, 'public')});
	await joinThrough(one, two, roomId, bob);
	return {one, two, roomId};
}

test('a server that was removed may ask about what led to its removal, and about nothing later', async (t) => {
	await using network = new EngineNetwork();
	const {one, two, roomId} = await setUp(network);
	const missed = await one.engine.send({roomId, event: message('missed')});
	const kick = await one.engine.send({roomId, event: membership(bob, 'leave')});
	const later = await one.engine.send({roomId, event: message('later')});
	const question = {origin: two.serverName, roomId};
	const range = {earliest: missed.pdu.prevEvents, limit: 10, minDepth: 0};
	const between = await readMissingEvents(inboundOf(one), question, {...range, latest: [kick.eventId]});
	t.deepEqual(
		between.map(({type}) => type),
		['m.room.message'],
	);
	t.true(
		JSON.stringify(await readStateIds(inboundOf(one), question, kick.eventId)).includes(kick.pdu.authEvents[0] ?? '-'),
	);
	await t.notThrowsAsync(readEventAuth(inboundOf(one), question, kick.eventId));
	for (const eventIds of [[later.eventId], [kick.eventId, later.eventId]]) {
		const asked = readMissingEvents(inboundOf(one), question, {...range, latest: eventIds});
		await t.throwsAsync(asked, {code: 'forbidden'});
	}
	await t.throwsAsync(readStateIds(inboundOf(one), question, later.eventId), {code: 'forbidden'});
	const stranger = {origin: 'three.test' as typeof two.serverName, roomId};
	await t.throwsAsync(readEventAuth(inboundOf(one), stranger, kick.eventId), {code: 'forbidden'});
	// With what it asked for it believes the kick.
	t.is((await deliver(one, two, kick.pdu)).status, 'accepted');
	t.is((await two.storage.memberships.find(roomId, bob))?.membership, 'leave');
});

test('a server that has left still tells the others what led to its leave', async (t) => {
	await using network = new EngineNetwork();
	const {one, two, roomId} = await setUp(network);
	await two.engine.send({roomId, event: {...message('last words'), sender: bob}});
	const leave = await two.engine.send({roomId, event: membership(bob, 'leave', bob)});
	const question = {origin: one.serverName, roomId};
	const range = {earliest: [], limit: 1, minDepth: 0};
	const between = await readMissingEvents(inboundOf(two), question, {...range, latest: [leave.eventId]});
	t.deepEqual(
		between.map(({content}) => (content as JsonObject)['body']),
		['last words'],
	);
});

test('a server that was removed may have what the state then consists of, however old, and nothing later', async (t) => {
	await using network = new EngineNetwork();
	const [one, two] = [await network.add('one.test'), await network.add('two.test')];
	const {roomId} = await one.engine.createRoom({version: '12', events: firstEvents('12', alice, 'public')});
	const topic = await one.engine.send({
		roomId,
		event: {type: 'm.room.topic', stateKey: '', sender: alice, content: {}},
	});
	const secret = await one.engine.send({roomId, event: message('before two came')});
	const hidden = {history_visibility: 'joined'};
	await one.engine.send({
		roomId,
		event: {type: 'm.room.history_visibility', stateKey: '', sender: alice, content: hidden},
	});
	const unseen = await one.engine.send({roomId, event: message('hidden from two')});
	await joinThrough(one, two, roomId, bob);
	await one.engine.send({roomId, event: membership(bob, 'leave')});
	const later = await one.engine.send({
		roomId,
		event: {type: 'm.room.name', stateKey: '', sender: alice, content: {}},
	});
	const read = async (eventId: typeof topic.eventId): Promise<unknown> =>
		(await readEvent(inboundOf(one), two.serverName, eventId))[0]?.['content'];
	await t.notThrowsAsync(read(topic.eventId));
	// As for members, history visibility says what may be read of the past.
	t.like(await read(secret.eventId), {body: 'before two came'});
	t.deepEqual(await read(unseen.eventId), {});
	await t.throwsAsync(read(later.eventId), {code: 'not_found'});
	const stranger = 'three.test' as typeof two.serverName;
	await t.throwsAsync(readEvent(inboundOf(one), stranger, topic.eventId), {code: 'not_found'});
});
