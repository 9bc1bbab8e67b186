/**
 * What web clients ask when somebody looks for a person and invites them, request by request, where profiles are withheld:
 * nothing may look like an error to them, and nothing tells them who exists.
 */
import test, {type ExecutionContext} from 'ava';
import {type App, path, register, registerBySecret, startApp} from '../../harness/index.ts';
import {Person} from '../api/client-server/newsroom.ts';

/** Refusals after which Element Web asks whether to invite somebody who may not exist. */
const DOUBTS = ['M_NOT_FOUND', 'M_USER_NOT_FOUND', 'M_PROFILE_UNDISCLOSED', 'M_PROFILE_NOT_FOUND'];
const NOBODY = '@nobody:news.example';
const ELSEWHERE = '@someone:far.example';

interface Invited {
	readonly rooms: {
		readonly invite?: Readonly<Record<string, {readonly invite_state: {readonly events: readonly object[]}}>>;
	};
}

async function openStrangers(t: ExecutionContext) {
	const app = await startApp(t);
	const [alice, bob] = [new Person(app, await register(app, 'alice')), new Person(app, await register(app, 'bobby'))];
	await bob.do('PUT', `/profile/${path(bob.id)}/displayname`, {displayname: 'Bob of the desk'});
	return {app, alice, bob};
}

/** A direct conversation, as Element Web begins it. */
const begin = async (inviter: Person, invited: string): Promise<string> => {
	const roomId = await inviter.create({
		preset: 'trusted_private_chat',
		visibility: 'private',
		invite: [invited],
		is_direct: true,
		initial_state: [
			{type: 'm.room.encryption', state_key: '', content: {algorithm: 'm.megolm.v1.aes-sha2'}},
			{type: 'm.room.guest_access', state_key: '', content: {guest_access: 'can_join'}},
		],
	});
	await inviter.do('PUT', `/user/${path(inviter.id)}/account_data/m.direct`, {[invited]: [roomId]});
	return roomId;
};

test('Element Web: a dialog that looks for a person whose profile is withheld asks nothing and invites', async (t) => {
	const {alice, bob} = await openStrangers(t);
	const seen: unknown[] = [];
	for (const wanted of [bob.id, NOBODY]) {
		const localpart = wanted.slice(1, wanted.indexOf(':'));
		t.deepEqual(await alice.do('POST', '/user_directory/search', {search_term: localpart, limit: 10}), {
			results: [],
			limited: false,
		});
		const profile = await alice.ask('GET', `/profile/${path(wanted)}`);
		t.is(profile.status, 403);
		t.false(DOUBTS.includes(String(profile.body['errcode'])));
		const roomId = await begin(alice, wanted);
		const keys = await alice.do('POST', '/keys/query', {device_keys: {[wanted]: []}});
		const members = await alice.do<{chunk: {content: object}[]}>(
			'GET',
			`/rooms/${path(roomId)}/members?membership=invite`,
		);
		seen.push({profile: profile.text, failures: keys['failures'], content: members.chunk.map(({content}) => content)});
	}
	t.deepEqual(seen[0], seen[1]);
	t.deepEqual((seen[0] as {content: unknown}).content, [{membership: 'invite', is_direct: true}]);
});

test('Element Web: who is invited sees by whom, and after they accepted both see each other', async (t) => {
	const {alice, bob} = await openStrangers(t);
	const roomId = await begin(alice, bob.id);
	const {rooms} = await bob.do<Invited>('GET', '/sync?timeout=0');
	const events = rooms.invite?.[roomId]?.invite_state.events ?? [];
	t.true(events.some((event) => (event as {sender?: string}).sender === alice.id));
	// The avatar and name of an inviter are asked for before the invite is shown.
	t.is((await bob.ask('GET', `/profile/${path(alice.id)}`)).status, 200);
	await bob.do('POST', `/join/${path(roomId)}`, {});
	t.is((await alice.do('GET', `/profile/${path(bob.id)}`))['displayname'], 'Bob of the desk');
	const found = await alice.do<{results: {user_id: string}[]}>('POST', '/user_directory/search', {search_term: 'bob'});
	t.deepEqual(
		found.results.map(({user_id: userId}) => userId),
		[bob.id],
	);
});

test('Cinny: a link to a person whose profile is withheld opens, and says no more than the link', async (t) => {
	const {alice, bob} = await openStrangers(t);
	const seen: unknown[] = [];
	for (const wanted of [bob.id, NOBODY, ELSEWHERE]) {
		// The panel of a user asks for these, each by itself; what is refused with 403 it leaves empty.
		const asked = await Promise.all([
			alice.ask('GET', `/profile/${path(wanted)}`),
			alice.ask('GET', `/presence/${path(wanted)}/status`),
			alice.ask('POST', '/keys/query', {device_keys: {[wanted]: []}}),
		]);
		t.deepEqual(
			asked.map(({status}) => status),
			[403, 403, 200],
		);
		if (wanted !== ELSEWHERE) seen.push(asked.map(({text}) => text.replace(wanted, '@…')));
	}
	t.deepEqual(seen[0], seen[1]);
});

const colleagues = async (
	t: ExecutionContext,
): Promise<{readonly app: App; readonly alice: Person; readonly bob: Person}> => {
	const app = await startApp(t, {config: {registration: 'closed'}});
	const alice = new Person(app, await registerBySecret(app, 'alice'));
	return {app, alice, bob: new Person(app, await registerBySecret(app, 'bobby'))};
};

test('colleagues on a closed server find each other by name and begin to talk, without having met', async (t) => {
	const {alice, bob} = await colleagues(t);
	await bob.do('PUT', `/profile/${path(bob.id)}/displayname`, {displayname: 'Bob of the desk'});
	const found = await alice.do<{results: object[]}>('POST', '/user_directory/search', {search_term: 'desk', limit: 10});
	t.deepEqual(found.results, [{user_id: bob.id, display_name: 'Bob of the desk'}]);
	t.is((await alice.do('GET', `/profile/${path(bob.id)}`))['displayname'], 'Bob of the desk');
	const roomId = await begin(alice, bob.id);
	await bob.do('POST', `/join/${path(roomId)}`, {});
	const {joined} = await alice.do<{joined: Record<string, {display_name?: string}>}>(
		'GET',
		`/rooms/${path(roomId)}/joined_members`,
	);
	t.is(joined[bob.id]?.display_name, 'Bob of the desk');
});
