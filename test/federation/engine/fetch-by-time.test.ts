import test from 'ava';
import type {EventId, JsonObject, UserId} from '../../../crypto/index.ts';
import {firstEvents} from '../../harness/engine.ts';
import {EngineNetwork, joinThrough} from '../../harness/engine-network.ts';

const alice = '@alice:one.test' as UserId;
const bob = '@bob:two.test' as UserId;

/** A room in which somebody spoke before the second server came. */
async function setUp(network: EngineNetwork) {
	const [one, two] = [await network.add('one.test'), await network.add('two.test')];
	const {roomId} = await one.engine.createRoom({version: '11', events: firstEvents('11', alice, 'public')});
	const content: JsonObject = {msgtype: 'm.text', body: 'hello'};
	const {pdu} = await one.engine.send({roomId, event: {type: 'm.room.message', sender: alice, content}});
	await joinThrough(one, two, roomId, bob);
	return {two, roomId, hello: pdu};
}

test('an event that only another server has is fetched by its time, and asked for once', async (t) => {
	await using network = new EngineNetwork();
	const {two, roomId, hello} = await setUp(network);
	const query = {ts: hello.originServerTs, direction: 'backwards', known: undefined} as const;
	t.true(await two.engine.fetchByTime(roomId, query));
	t.is((await two.storage.events.findById(hello.eventId))?.outlier, false);
	t.false(await two.engine.fetchByTime(roomId, {...query, known: query.ts}), 'nothing is nearer than what is here');
});

test('a server that names an event which never comes costs a few pages, and a lie about the time nothing', async (t) => {
	await using network = new EngineNetwork();
	const {two, roomId, hello} = await setUp(network);
	const ts = hello.originServerTs;
	const eventId = `$${'x'.repeat(43)}` as EventId;
	network.lies.findByTime = () => Promise.resolve({eventId, originServerTs: ts});
	network.asked.length = 0;
	t.false(await two.engine.fetchByTime(roomId, {ts, direction: 'backwards', known: undefined}));
	t.true(network.asked.filter((question) => question === 'backfill').length <= 5);
	network.asked.length = 0;
	t.false(await two.engine.fetchByTime(roomId, {ts: ts - 1, direction: 'backwards', known: undefined}), 'it is later');
	network.lies.findByTime = () => Promise.reject(new Error('no such endpoint'));
	t.false(await two.engine.fetchByTime(roomId, {ts, direction: 'backwards', known: undefined}));
	t.deepEqual(network.asked, []);
});
