import test from 'ava';
import {errorOf, newsroom, noRoom, type Person, room} from './newsroom.ts';

const user = (userId: string) => `/users/${encodeURIComponent(userId)}/report`;
const event = (roomId: string, eventId: string) => `${room(roomId)}/report/${encodeURIComponent(eventId)}`;

test('a complaint is kept, whatever it is about', async (t) => {
	const {app, alice, bob, carol} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	const eventId = await alice.say(roomId, 'offending');
	t.deepEqual(await bob.do('POST', event(roomId, eventId), {reason: 'libel'}), {});
	t.deepEqual(await bob.do('POST', event(roomId, eventId), {}), {});
	t.deepEqual(await carol.do('POST', `${room(roomId)}/report`, {reason: ''}), {});
	t.deepEqual(await carol.do('POST', user(bob.id), {reason: 'a liar'}), {});
	const kept = await app.application.storage.reports.list({}, {limit: 9});
	const said = kept.map(({kind, target, reporter, reason, roomId: of}) => [kind, target, reporter, reason, of]);
	t.deepEqual(said, [
		['user', bob.id, carol.id, 'a liar', null],
		['room', roomId, carol.id, '', null],
		['event', eventId, bob.id, '', roomId],
		['event', eventId, bob.id, 'libel', roomId],
	]);
});

test('a complaint tells nobody whether there is such a person or room (rows 20 and 32)', async (t) => {
	const {app, alice, carol} = await newsroom(t);
	const roomId = await alice.create();
	const paths = [
		user(alice.id),
		user('@nobody:news.example'),
		user('@nobody:elsewhere.example'),
		`${room(roomId)}/report`,
		`${room(noRoom(roomId))}/report`,
	];
	for (const path of paths) {
		const answer = await carol.ask('POST', path, {reason: 'x'});
		t.deepEqual([answer.status, answer.text], [200, '{}'], path);
	}
	t.is((await app.application.storage.reports.list({}, {limit: 9})).length, paths.length);
});

test('an event is reported by who is in the room and may see it; others hear that there is none', async (t) => {
	const {app, alice, bob, carol} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	await alice.setState(roomId, 'm.room.history_visibility', {history_visibility: 'joined'});
	const hidden = await alice.say(roomId, 'before bob');
	await bob.join(roomId);
	const ask = async (person: Person, of: string, id: string) =>
		errorOf(await person.ask('POST', event(of, id), {reason: 'x'}));
	const stranger = await ask(carol, roomId, hidden);
	t.like(stranger, {status: 404, errcode: 'M_NOT_FOUND'});
	for (const [person, of, id] of [
		[carol, noRoom(roomId), hidden],
		[carol, roomId, '$nothing'],
		[bob, roomId, hidden],
		[bob, roomId, '$nothing'],
		[bob, await alice.create(), hidden],
	] as const) {
		t.deepEqual(await ask(person, of, id), stranger);
	}
	await bob.do('POST', `${room(roomId)}/leave`, {});
	t.deepEqual(await ask(bob, roomId, hidden), stranger);
	t.is((await app.application.storage.reports.list({}, {limit: 9})).length, 0);
	for (const [path, body] of [
		[user(bob.id), {}],
		[user(bob.id), {reason: 5}],
		[user(bob.id), {reason: 'x'.repeat(2_001)}],
		[`${room(roomId)}/report`, {}],
	] as const) {
		t.is((await alice.ask('POST', path, body)).status, 400);
	}
});
