import test, {type ExecutionContext} from 'ava';
import {type App, findPostgres, PostgresServer, request, startApp} from '../../harness/index.ts';
import {redact} from '../api/client-server/conversation.ts';
import {newsroom, type Person, room} from '../api/client-server/newsroom.ts';

const found = findPostgres();
if ('skipped' in found) console.log(`skipped: ${found.skipped}`);
const onPostgres = 'skipped' in found ? test.skip : test;

/** Reacts many times at once; gives the ids of the events that were made. */
async function reactAtOnce(
	t: ExecutionContext,
	apps: readonly App[],
	person: Person,
	roomId: string,
	eventId: string,
): Promise<Set<string>> {
	const body = {'m.relates_to': {rel_type: 'm.annotation', event_id: eventId, key: '👍'}};
	const answers = await Promise.all(
		Array.from({length: 24}, (_, index) => {
			const path = `/_matrix/client/v3${room(roomId)}/send/m.reaction/${crypto.randomUUID()}`;
			const app = apps[index % apps.length]!;
			return request<{event_id: string; errcode?: string}>(app, 'PUT', path, {
				token: person.session.access_token,
				body,
			});
		}),
	);
	const made = answers.filter(({status}) => status === 200);
	const refused = answers.filter(({status, body: {errcode}}) => status === 400 && errcode === 'M_DUPLICATE_ANNOTATION');
	t.is(made.length + refused.length, answers.length);
	return new Set(made.map(({body: {event_id: id}}) => id));
}

test('of one reaction sent many times at once one is taken, and the others are told so', async (t) => {
	const {app, alice} = await newsroom(t);
	const roomId = await alice.create();
	const eventId = await alice.say(roomId, 'read this');
	const made = await reactAtOnce(t, [app], alice, roomId, eventId);
	t.is(made.size, 1);
	await redact(alice, roomId, [...made][0]!);
	t.is((await reactAtOnce(t, [app], alice, roomId, eventId)).size, 1);
	// What is said meanwhile is not held up by who repeats themselves.
	const [more] = await Promise.all([reactAtOnce(t, [app], alice, roomId, eventId), alice.say(roomId, 'and this')]);
	t.is(more.size, 0);
});

test('one request that is repeated makes one reaction and is answered alike', async (t) => {
	const {alice} = await newsroom(t);
	const roomId = await alice.create();
	const eventId = await alice.say(roomId, 'read this');
	const send = () =>
		alice.do<{event_id: string}>('PUT', `${room(roomId)}/send/m.reaction/one`, {
			'm.relates_to': {rel_type: 'm.annotation', event_id: eventId, key: '👍'},
		});
	const answers = [...(await Promise.all(Array.from({length: 8}, send))), await send()];
	t.is(new Set(answers.map(({event_id: id}) => id)).size, 1);
});

onPostgres('of one reaction sent to two processes at once one is taken', async (t) => {
	if ('skipped' in found) throw new Error(found.skipped);
	const server = await PostgresServer.start(found.programs);
	t.teardown(() => server[Symbol.asyncDispose]());
	const config = {database: await server.createDatabase('annotations')};
	const {app, alice} = await newsroom(t, {config});
	const other = await startApp(t, {config});
	const roomId = await alice.create();
	for (let index = 0; index < 5; index += 1) {
		const eventId = await alice.say(roomId, `read this ${index}`);
		t.is((await reactAtOnce(t, [app, other], alice, roomId, eventId)).size, 1);
	}
});
