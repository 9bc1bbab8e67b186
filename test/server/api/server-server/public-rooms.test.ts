import test from 'ava';
import {call, request} from '../../../harness/index.ts';
import {startHost} from './world.ts';

const INBOUND = '/_matrix/federation/v1/publicRooms';
const OUTBOUND = '/_matrix/client/v3/publicRooms';

interface Directory {
	readonly chunk: readonly {readonly room_id: string; readonly name?: string}[];
	readonly next_batch?: string;
}

/** A server that knows the peer as its partner. */
const asPartners = (names: readonly string[]) => ({federation: {mode: 'partners', partners: names}});

test('a partner server reads the directory, and searches it; rooms that are not published are not in it', async (t) => {
	const host = await startHost(t, 1, asPartners);
	const {app, alice, peer} = host;
	await host.createRoom();
	const token = alice.access_token;
	for (const name of ['One', 'Two']) {
		await call(app, 'POST', '/_matrix/client/v3/createRoom', {token, body: {visibility: 'public', name}});
	}
	const names = ({chunk}: Directory) => chunk.map(({name}) => String(name)).toSorted((a, b) => (a < b ? -1 : 1));
	t.deepEqual(names((await peer.request<Directory>('GET', INBOUND)).body), ['One', 'Two']);
	const first = await peer.request<Directory>('GET', `${INBOUND}?limit=1`);
	t.is(first.body.chunk.length, 1);
	t.truthy(first.body.next_batch);
	const body = {filter: {generic_search_term: 'two'}};
	t.deepEqual(names((await peer.request<Directory>('POST', INBOUND, {body})).body), ['Two']);
	t.is((await peer.request('GET', `${INBOUND}?since=nonsense`)).status, 400);
});

test('people read the directory of another server; strangers do not', async (t) => {
	const {app, alice, peer} = await startHost(t);
	const entry = {room_id: '!far:far.example', num_joined_members: 3, world_readable: false, guest_can_join: false};
	peer.answer = ({url}) =>
		url.startsWith(INBOUND)
			? {body: {chunk: [{...entry, name: 'Far', topic: 7}, 'nothing'], next_batch: 'more'}}
			: undefined;
	const token = alice.access_token;
	const expected = {chunk: [{...entry, name: 'Far'}], next_batch: 'more'};
	t.deepEqual(await call(app, 'GET', `${OUTBOUND}?server=${peer.name}&limit=5`, {token}), expected);
	t.deepEqual(
		await call(app, 'POST', `${OUTBOUND}?server=${peer.name}`, {token, body: {filter: {generic_search_term: 'far'}}}),
		expected,
	);
	t.is((await request(app, 'GET', `${OUTBOUND}?server=${peer.name}`)).status, 403);
});

test('a server that does not answer, or that this one does not talk to, is an error', async (t) => {
	const {app, alice, peer} = await startHost(t);
	const token = alice.access_token;
	peer.answer = () => ({status: 500, body: {}});
	t.is((await request(app, 'GET', `${OUTBOUND}?server=${peer.name}`, {token})).status, 502);
	const closed = await startHost(t, 1, () => ({federation: {mode: 'off'}}));
	const answer = await request(closed.app, 'GET', `${OUTBOUND}?server=${closed.peer.name}`, {
		token: closed.alice.access_token,
	});
	t.is(answer.status, 502);
	t.deepEqual(closed.peer.requests, []);
});
