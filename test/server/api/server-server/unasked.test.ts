/** What a server is told that has not asked: row 47, with servers that write down every request. */
import test, {type ExecutionContext} from 'ava';
import {
	call,
	createTestDevice,
	ManualClock,
	path,
	register,
	type SignedPeer,
	startNeighbours,
	until,
} from '../../../harness/index.ts';

const HOUR_MS = 3_600_000;
const STEP_MS = 60_000;
const V3 = '/_matrix/client/v3';

/** A clock that goes as the machine's does, and can be moved by an hour with every timer that falls into it. */
function startClock(t: ExecutionContext): {readonly clock: ManualClock; readonly passHour: () => Promise<void>} {
	const clock = new ManualClock(Date.now());
	let last = Date.now();
	const ticking = setInterval(() => {
		clock.advance(Date.now() - last);
		last = Date.now();
	}, 5);
	t.teardown(() => clearInterval(ticking));
	return {
		clock,
		async passHour() {
			for (let passed = 0; passed < HOUR_MS; passed += STEP_MS) {
				clock.advance(STEP_MS);
				await new Promise(setImmediate);
			}
		},
	};
}

const askedOf = ({requests}: SignedPeer): string[] =>
	requests.map(({method, url}) => `${method} ${url.split('?')[0]?.replace(/\/send\/.*/u, '/send')}`);

test('row 47: in a day of everything that people do, a server that shares nothing is asked and told nothing', async (t) => {
	const {clock, passHour} = startClock(t);
	const {app, peers} = await startNeighbours(t, 4, () => ({presence: 'federated'}), {clock});
	const [near, gone, asker, never] = peers as [SignedPeer, SignedPeer, SignedPeer, SignedPeer];
	for (const peer of [near, gone]) {
		peer.answer = ({url}) => (url.includes('/send/') ? {body: {pdus: {}}} : undefined);
	}
	const [alice, dave] = [await register(app, 'alice'), await register(app, 'dave')];
	const {access_token: token} = alice;
	const act = <T = {room_id: string; event_id: string}>(method: string, uri: string, body?: object) =>
		call<T>(app, method, V3 + uri, {token, ...(body && {body})});
	const {room_id: roomId} = await act('POST', '/createRoom', {preset: 'public_chat', room_version: '11'});
	const room = `/rooms/${path(roomId)}`;
	await near.join(roomId, near.userId('bob'));
	// One that was here, and went.
	await gone.join(roomId, gone.userId('carol'));
	await act('PUT', `${room}/send/m.room.message/first`, {msgtype: 'm.text', body: 'for three'});
	await until(() => askedOf(gone).some((line) => line.endsWith('/send')), 'the message at the one that will go');
	await gone.sendMember(await gone.makeMember('leave', roomId, gone.userId('carol')));
	// One that asks, for which its key has to be asked of it.
	t.is((await asker.request('GET', `/_matrix/federation/v1/query/profile?user_id=${path(alice.user_id)}`)).status, 403);
	await until(() => app.application.services.federation.transactions.staging.waiting === 0, 'nothing is staged');
	for (const peer of [gone, asker]) peer.requests.length = 0;

	for (let hour = 0; hour < 24; hour += 1) {
		const {event_id: eventId} = await act('PUT', `${room}/send/m.room.message/${hour}`, {
			msgtype: 'm.text',
			body: `hour ${hour}, with ${never.userId('somebody')} and #room:${never.name} mentioned`,
			'm.mentions': {user_ids: [never.userId('somebody'), gone.userId('carol')]},
		});
		await act('PUT', `${room}/typing/${path(alice.user_id)}`, {typing: true});
		await act('POST', `${room}/receipt/m.read/${path(eventId)}`, {});
		await act('PUT', `/profile/${path(alice.user_id)}/displayname`, {displayname: `Alice ${hour}`});
		await act('PUT', `/presence/${path(alice.user_id)}/status`, {presence: hour % 2 === 0 ? 'online' : 'unavailable'});
		if (hour % 8 === 0) {
			await act('POST', '/keys/upload', {device_keys: createTestDevice(alice, hour).deviceKeys});
			await act('PUT', `/sendToDevice/m.x/${hour}`, {messages: {[near.userId('bob')]: {'*': {n: hour}}}});
			const {room_id: other} = await act('POST', '/createRoom', {invite: [dave.user_id]});
			await act('POST', `/rooms/${path(other)}/leave`, {});
		}
		await act('POST', '/user_directory/search', {search_term: 'somebody'});
		await act('GET', '/sync');
		await passHour();
	}
	await until(
		() => askedOf(near).filter((line) => line.endsWith('/send')).length > 24,
		'the neighbour is told of it all',
	);
	const types = near.requests
		.filter(({url}) => url.includes('/send/'))
		.flatMap(({body}) => (JSON.parse(body.toString()) as {edus: {edu_type: string}[]}).edus)
		.map(({edu_type: type}) => type);
	const kinds = ['m.device_list_update', 'm.direct_to_device', 'm.presence', 'm.receipt', 'm.typing'];
	t.deepEqual([...new Set(types)].toSorted(), kinds, 'and of it all it is told');
	t.deepEqual(askedOf(never), []);
	// Of those whose keys were known, keys may be asked for again.
	for (const peer of [gone, asker]) {
		t.deepEqual(
			askedOf(peer).filter((line) => !line.startsWith('GET /_matrix/key/')),
			[],
		);
	}
	t.deepEqual(
		askedOf(near).filter((line) => !/^(?:PUT \/_matrix\/federation\/v1\/send$|GET \/_matrix\/key\/)/u.test(line)),
		[],
		'who shares a room is sent transactions, and asked nothing but keys',
	);
});

test('a server that was failing is told what waits for it as soon as it asks or answers anything', async (t) => {
	// The clock stands still: no time of a next attempt ever comes.
	const clock = new ManualClock(Date.now());
	const {app, peers} = await startNeighbours(t, 1, () => ({}), {clock});
	const [peer] = peers as [SignedPeer];
	const {access_token: token} = await register(app, 'alice');
	const act = <T = {room_id: string}>(method: string, uri: string, body?: object) =>
		call<T>(app, method, V3 + uri, {token, ...(body && {body})});
	const {room_id: roomId} = await act('POST', '/createRoom', {preset: 'public_chat', room_version: '11'});
	await peer.join(roomId, peer.userId('bob'));
	const sent = (): number => askedOf(peer).filter((line) => line.endsWith('/send')).length;
	const say = (text: string) =>
		act('PUT', `/rooms/${path(roomId)}/send/m.room.message/${text}`, {msgtype: 'm.text', body: text});
	peer.answer = ({url}) => (url.includes('/query/profile') ? {body: {displayname: 'Bob'}} : undefined);
	await say('one');
	await until(() => sent() === 1, 'an attempt');
	await until(() => app.readLog().includes('failing'), 'its failure');
	await say('two');
	t.is(sent(), 1);
	t.is((await act<{displayname: string}>('GET', `/profile/${path(peer.userId('bob'))}`)).displayname, 'Bob');
	await until(() => sent() === 2, 'another attempt');
	// The attempt may be known to have failed some time after it has come to the peer: only then a next one has its time.
	await until(() => {
		if (sent() === 3) return true;
		clock.advance(61_000);
		return false;
	}, 'the one whose time has come');
	clock.advance(61_000);
	peer.answer = () => ({body: {pdus: {}}});
	t.is((await peer.send('contact', [])).status, 200);
	await until(() => sent() >= 5, 'what waited');
});
