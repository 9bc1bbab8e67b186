import test from 'ava';
import type {UserId} from '../../../crypto/index.ts';
import {firstEvents} from '../../harness/engine.ts';
import {askToJoin, EngineNetwork, joinThrough} from '../../harness/engine-network.ts';

const alice = '@alice:one.test' as UserId;
const bob = '@bob:two.test' as UserId;
const carol = '@carol:three.test' as UserId;

for (const isNamed of [false, true]) {
	const outcome = isNamed ? 'not announced anew' : 'announced anew, where a server was not named at the entry';
	test(`when a room is complete, devices are ${outcome}`, async (t) => {
		await using network = new EngineNetwork();
		const [one, two] = [await network.add('one.test'), await network.add('two.test')];
		const three = await network.add('three.test');
		const {roomId} = await one.engine.createRoom({version: '11', events: firstEvents('11', alice, 'public')});
		await joinThrough(one, three, roomId, carol);
		const request = await askToJoin(one, two, roomId, bob);
		const servers = [one.serverName, ...(isNamed ? [three.serverName] : [])];
		const {eventId} = await two.engine.importRoom({
			...request,
			state: request.state.filter(({type}) => type !== 'm.room.member'),
			withoutMembers: {servers},
		});
		const since = two.storage.stream.head();
		await two.engine.completeRoom(roomId, {eventId, server: one.serverName});
		t.true((await two.storage.memberships.listServers(roomId)).includes(three.serverName));
		const upto = two.storage.stream.head();
		const told = await two.storage.stream.list({after: since, upto, kinds: ['device_list'], limit: 10});
		t.deepEqual(
			told.map(({subject}) => subject),
			isNamed ? [] : [bob],
		);
	});
}
