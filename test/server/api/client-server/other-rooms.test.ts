/** What somebody who has heard of an event or a token of another room gets by it: nothing. */
import test from 'ava';
import {askV1, react, reply, send} from './conversation.ts';
import {type ClientEvent, newsroom, type Person, room} from './newsroom.ts';
import {sync} from './sync-answers.ts';

const at = encodeURIComponent;

/** A room of alice that is closed to bob, and a room of bob's own. */
async function twoRooms(t: Parameters<typeof newsroom>[0]) {
	const world = await newsroom(t);
	const closed = await world.alice.create({preset: 'private_chat', name: 'secret name'});
	const root = await world.alice.say(closed, 'secret root');
	await reply(world.alice, closed, root, 'secret reply');
	await react(world.alice, closed, root, '👍');
	return {...world, closed, root, own: await world.bob.create({name: 'own'})};
}

test('E2: by way of one’s own room nobody reaches an event of another', async (t) => {
	const {alice, bob, closed, root, own} = await twoRooms(t);
	const before = await alice.do<ClientEvent>('GET', `${room(closed)}/event/${at(root)}`);
	const questions: [string, string, object?][] = [
		['GET', `${room(own)}/event/${at(root)}`],
		['GET', `${room(own)}/context/${at(root)}?limit=10`],
		['POST', `${room(own)}/receipt/m.read/${at(root)}`, {}],
		['POST', `${room(own)}/read_markers`, {'m.fully_read': root, 'm.read': root}],
		['PUT', `${room(own)}/redact/${at(root)}/1`, {}],
	];
	for (const [method, path, body] of questions) {
		const {status, text} = await bob.ask(method, path, body);
		t.is(status, 404, path);
		t.false(text.includes('secret'), text);
	}
	for (const relations of [at(root), `${at(root)}/m.thread`, `${at(root)}/m.annotation/m.reaction`]) {
		for (const version of ['v1', 'unstable']) {
			const {app, session} = bob;
			const answered = await fetch(
				`${app.url}/_matrix/client/${version}${room(own)}/relations/${relations}?recurse=true`,
				{
					headers: {authorization: `Bearer ${session.access_token}`},
				},
			);
			t.false((await answered.text()).includes('secret'), relations);
		}
	}
	// Nor by events of one's own that relate to it; and there it counts for nothing.
	const [edit, reaction, answer] = [
		await send(bob, own, 'm.room.message', {
			msgtype: 'm.text',
			body: '* own',
			'm.new_content': {msgtype: 'm.text', body: 'own'},
			'm.relates_to': {rel_type: 'm.replace', event_id: root},
		}),
		await react(bob, own, root, '👎'),
		await reply(bob, own, root, 'own reply'),
	];
	for (const eventId of [edit, reaction, answer]) {
		t.false((await bob.ask('GET', `${room(own)}/event/${at(eventId)}`)).text.includes('secret'));
	}
	t.false(JSON.stringify(await sync(bob)).includes('secret'));
	t.false((await bob.ask('GET', `${room(own)}/messages?dir=b&limit=100`)).text.includes('secret'));
	const after = await alice.do<ClientEvent>('GET', `${room(closed)}/event/${at(root)}`);
	t.is(bundleIn(after), bundleIn(before));
});

/** What relates to an event, as its viewers are shown it; how old it is changes meanwhile. */
const bundleIn = (event: ClientEvent): string =>
	JSON.stringify(event.unsigned?.['m.relations'], (key, value: unknown) => (key === 'age' ? undefined : value));

test('E2: a search finds nothing of rooms that one is not in, named or not', async (t) => {
	const {bob, closed, own} = await twoRooms(t);
	await bob.say(own, 'no secret here');
	type Found = {search_categories: {room_events: {results: {result: ClientEvent}[]}}};
	for (const filter of [{}, {rooms: [closed]}, {rooms: [closed, own]}, {not_rooms: [own]}]) {
		const {status, body, text} = await bob.ask<Found>('POST', '/search', {
			search_categories: {room_events: {search_term: 'secret', filter, event_context: {before_limit: 5}}},
		});
		t.false(text.includes('secret root') || text.includes('secret reply'), JSON.stringify(filter));
		if (status !== 200) continue;
		t.true(body.search_categories.room_events.results.every(({result}) => result.room_id === own));
	}
});

test('E14: the tokens of somebody else, or of another room, open nothing', async (t) => {
	const {alice, bob, closed, own} = await twoRooms(t);
	const first = await sync(alice);
	await alice.say(closed, 'secret news');
	const page = await alice.do<{start: string; end?: string}>('GET', `${room(closed)}/messages?dir=b&limit=1`);
	const filter = await alice.do<{filter_id: string}>('POST', `/user/${at(alice.id)}/filter`, {room: {}});
	t.false(JSON.stringify(await sync(bob, first.next_batch)).includes('secret'));
	for (const token of [page.start, page.end ?? page.start, first.next_batch]) {
		for (const dir of ['b', 'f']) {
			t.false((await bob.ask('GET', `${room(own)}/messages?dir=${dir}&from=${at(token)}`)).text.includes('secret'));
			t.is((await bob.ask('GET', `${room(closed)}/messages?dir=${dir}&from=${at(token)}`)).status, 403);
		}
		t.is((await bob.ask('GET', `${room(closed)}/members?at=${at(token)}`)).status, 403);
	}
	t.is((await bob.ask('GET', `/user/${at(alice.id)}/filter/${filter.filter_id}`)).status, 403);
	t.is(await statusOf(bob, `/sync?filter=${filter.filter_id}`), 400);
});

const statusOf = async (person: Person, path: string): Promise<number> => (await person.ask('GET', path)).status;

test('E2: who has left is shown nothing of what came later, at any endpoint and by anybody’s token', async (t) => {
	for (const version of ['11', '12']) {
		const {alice, bob, carol} = await newsroom(t);
		const invite = [bob.id, carol.id];
		const roomId = await alice.create({room_version: version, preset: 'private_chat', name: 'before', invite});
		await bob.join(roomId);
		const seen = await alice.say(roomId, 'said before', `${version} 1`);
		const own = await sync(bob);
		await bob.do('POST', `${room(roomId)}/leave`, {});
		await alice.setState(roomId, 'm.room.name', {name: 'later name'});
		await carol.join(roomId);
		await carol.do('PUT', `/profile/${at(carol.id)}/displayname`, {displayname: 'Later Carol'});
		const unseen = await alice.say(roomId, 'later words', `${version} 2`);
		await reply(alice, roomId, seen, 'later reply');
		await react(carol, roomId, seen, 'later 👍');
		await send(alice, roomId, 'm.room.message', {
			msgtype: 'm.text',
			body: '* later edit',
			'm.new_content': {msgtype: 'm.text', body: 'later edit'},
			'm.relates_to': {rel_type: 'm.replace', event_id: seen},
		});
		await alice.say(roomId, `later ${bob.id}`, `${version} 3`);
		const {next_batch: later} = await sync(alice);
		const pages = await alice.do<{start: string; end: string}>('GET', `${room(roomId)}/messages?dir=b&limit=1`);
		const tokens = [later, pages.start, pages.end, own.next_batch];
		const paths = [
			'/state',
			'/state/m.room.name',
			'/members',
			'/messages?dir=b&limit=100',
			'/initialSync',
			`/context/${at(seen)}?limit=100`,
			`/event/${at(seen)}`,
			`/event/${at(unseen)}`,
			...tokens.flatMap((token) => [
				`/members?at=${at(token)}`,
				`/messages?dir=b&limit=100&from=${at(token)}`,
				`/messages?dir=f&limit=100&from=${at(token)}`,
				`/messages?dir=f&limit=100&from=${at(own.next_batch)}&to=${at(token)}`,
			]),
		].map((path) => room(roomId) + path);
		const synced = `/sync?full_state=true&filter=${at(JSON.stringify({room: {include_leave: true}}))}`;
		for (const path of [...paths, synced, `/sync?since=${own.next_batch}`, '/notifications']) {
			const {text} = await bob.ask('GET', path);
			t.false(/later (?:name|words|reply|edit|👍)|Later Carol/u.test(text), `${path} ${text}`);
		}
		for (const path of [
			`/relations/${at(seen)}?recurse=true`,
			'/threads',
			'/hierarchy',
			`/timestamp_to_event?dir=b&ts=${Date.now() + 60_000}`,
		]) {
			const {text} = await askV1(bob, roomId, path);
			t.false(/later (?:name|words|reply|edit|👍)|Later Carol/u.test(text) || text.includes(unseen), `${path} ${text}`);
		}
		const {text} = await bob.ask('POST', '/search', {
			search_categories: {room_events: {search_term: 'later', event_context: {after_limit: 9, include_profile: true}}},
		});
		t.false(text.includes('later words') || text.includes('Later Carol'), text);
	}
});
