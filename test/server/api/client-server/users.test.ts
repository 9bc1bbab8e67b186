import test from 'ava';
import type {UserId} from '../../../../crypto/index.ts';
import {toFederationEvent} from '../../../../federation/rooms/index.ts';
import {register, until} from '../../../harness/index.ts';
import {startShared} from '../server-server/world.ts';
import {newsroom, Person, room} from './newsroom.ts';

interface Results {
	readonly results: readonly {readonly user_id: string; readonly display_name?: string; readonly avatar_url?: string}[];
	readonly limited: boolean;
}

const find = (person: Person, term: string, more: object = {}) =>
	person.do<Results>('POST', '/user_directory/search', {search_term: term, ...more});
const ids = ({results}: Results) => results.map(({user_id: userId}) => userId);
const call = (person: Person, displayname: string) =>
	person.do('PUT', `/profile/${encodeURIComponent(person.id)}/displayname`, {displayname});

test('people in rooms of the searcher and in open rooms are found by name and id; others are not', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	await call(alice, 'Élodie Cooper');
	t.deepEqual(await find(carol, 'élodie'), {results: [], limited: false});
	const roomId = await alice.create({invite: [bob.id]});
	await bob.join(roomId);
	const expected = {results: [{user_id: alice.id, display_name: 'Élodie Cooper'}], limited: false};
	for (const term of ['ÉLODIE', 'cooper élo', '@alice', 'alice', alice.id, 'lodi']) {
		t.deepEqual(await find(bob, term), expected, term);
		t.deepEqual(await find(carol, term), {results: [], limited: false}, term);
	}
	await alice.create({preset: 'public_chat'});
	t.deepEqual(await find(carol, 'cooper'), expected);
	t.deepEqual(ids(await find(carol, 'bob')), []);
	t.deepEqual(ids(await find(bob, 'bob')), [], 'oneself');
});

test('a name that somebody has in one room is found by nobody', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	await call(alice, 'Alice Cooper');
	await alice.create({visibility: 'public', preset: 'public_chat'});
	const roomId = await bob.create({invite: [alice.id]});
	await alice.join(roomId);
	await alice.setState(roomId, 'm.room.member', {membership: 'join', displayname: 'Freddy'}, alice.id);
	for (const person of [bob, carol]) {
		t.deepEqual(ids(await find(person, 'freddy')), []);
		t.deepEqual(await find(person, 'alice'), {
			results: [{user_id: alice.id, display_name: 'Alice Cooper'}],
			limited: false,
		});
	}
});

test('colleagues find each other where the setting says so, in a fixed order, as many as are wanted', async (t) => {
	const {app, alice, bob, carol} = await newsroom(t, {config: {privacy: 'server'}});
	await call(bob, 'Alice the second');
	const dave = new Person(app, await register(app, 'alicedave'));
	t.deepEqual(ids(await find(carol, 'alice')), [alice.id, bob.id, dave.id]);
	const {results, limited} = await find(carol, 'alice', {limit: 2});
	t.deepEqual([results.length, limited], [2, true]);
	t.deepEqual(await find(carol, 'alice', {limit: 0}), {results: [], limited: false});
	const batch = app.application.storage.batch();
	app.application.storage.accounts.setStates(batch, dave.id as UserId, {isLocked: true});
	batch.announce({kind: 'account', subject: dave.id});
	await app.application.storage.commit(batch);
	t.false(ids(await find(carol, 'alice')).includes(dave.id), 'who is locked');
});

test('nothing is found by no words, and strangers and names that nobody has are the same', async (t) => {
	const {alice, bob} = await newsroom(t);
	await alice.create({});
	for (const term of ['', '   ', alice.id, '@nobody:news.example', '@nobody:far.example']) {
		t.deepEqual(await find(bob, term), {results: [], limited: false}, term);
	}
	t.is((await bob.ask('POST', '/user_directory/search', {})).status, 400);
	t.is((await bob.ask('POST', '/user_directory/search', {search_term: 'a', limit: 'many'})).status, 400);
});

test('people of other servers are found by the names that they have in rooms of the searcher', async (t) => {
	const {
		app,
		alice: session,
		peer,
		roomId,
		bob,
		room: known,
	} = await startShared(t, {
		preset: 'private_chat',
		initialState: [{type: 'm.room.join_rules', content: {join_rule: 'public'}}],
	});
	const alice = new Person(app, session);
	const carol = new Person(app, await register(app, 'carol'));
	const named = peer.append(known, {
		type: 'm.room.member',
		sender: bob,
		stateKey: bob,
		content: {membership: 'join', displayname: 'Robert Far'},
	});
	await peer.send('name', [toFederationEvent(named)]);
	// The transaction is taken before its events are in their room.
	await until(async () => ids(await find(alice, 'robert')).length > 0, 'the name');
	await alice.setState(roomId, 'm.room.join_rules', {join_rule: 'invite'});
	t.deepEqual(await find(alice, 'robert'), {results: [{user_id: bob, display_name: 'Robert Far'}], limited: false});
	t.deepEqual(ids(await find(carol, 'robert')), []);
	await alice.setState(roomId, 'm.room.history_visibility', {history_visibility: 'world_readable'});
	app.advance(61_000);
	t.deepEqual(ids(await find(carol, 'robert')), [bob]);
	await alice.do('POST', `${room(roomId)}/kick`, {user_id: bob});
	t.deepEqual(ids(await find(alice, 'robert')), []);
});
