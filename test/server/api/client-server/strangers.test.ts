/** What somebody with an account is told of aliases and rooms that are none of theirs (rows of the enumeration surface). */
import test from 'ava';
import {call, path, register, request, startApp} from '../../../harness/index.ts';

const V1 = '/_matrix/client/v1';
const V3 = '/_matrix/client/v3';

type Ask = (alias: string, roomId: string) => readonly [string, string, object?];

/** Questions whose answer takes more or fewer looks at the database. */
const QUESTIONS: Readonly<Record<string, Ask>> = {
	'row 13: the directory of people': (alias) => [
		'POST',
		`${V3}/user_directory/search`,
		{search_term: alias.slice(1, 6)},
	],
	'row 26: an alias': (alias) => ['GET', `${V3}/directory/room/${path(alias)}`],
	'row 28: removing an alias': (alias) => ['DELETE', `${V3}/directory/room/${path(alias)}`],
	'row 29: entering by an alias': (alias) => ['POST', `${V3}/join/${path(alias)}`, {}],
	'row 29: knocking by an alias': (alias) => ['POST', `${V3}/knock/${path(alias)}`, {}],
	'row 31: a space': (_, roomId) => ['GET', `${V1}/rooms/${path(roomId)}/hierarchy`],
	'row 32: a summary': (_, roomId) => ['GET', `${V1}/room_summary/${path(roomId)}`],
	'row 32: a summary by an alias': (alias) => ['GET', `${V1}/room_summary/${path(alias)}`],
};

/** Timers may be a little early. */
const TICK_MS = 19;

test('rows 13, 26, 28, 29, 31 and 32: what is there and what is not are answered alike, at a tick of the grid', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const mallory = await register(app, 'mallory');
	const {room_id: roomId} = await call<{room_id: string}>(app, 'POST', `${V3}/createRoom`, {
		token: alice.access_token,
		body: {preset: 'private_chat', room_alias_name: 'alice'},
	});
	const {room_id: own} = await call<{room_id: string}>(app, 'POST', `${V3}/createRoom`, {
		token: mallory.access_token,
		body: {},
	});
	const questions: Readonly<Record<string, Ask>> = {
		...QUESTIONS,
		"row 26: another room's alias for one's own": (alias) => [
			'PUT',
			`${V3}/rooms/${path(own)}/state/m.room.canonical_alias`,
			{alias},
		],
	};
	const nowhere = `!${'n'.repeat(roomId.length - 1)}`;
	for (const [row, toQuestion] of Object.entries(questions)) {
		const seen = new Set<string>();
		for (const [alias, room] of [
			['#alice:news.example', roomId],
			['#nobod:news.example', nowhere],
		] as const) {
			const [method, uri, body] = toQuestion(alias, room);
			const begun = performance.now();
			const answer = await request(app, method, uri, {token: mallory.access_token, ...(body && {body})});
			t.true(performance.now() - begun > TICK_MS, `${row}: ${performance.now() - begun} ms`);
			seen.add(`${answer.status} ${answer.text}`.replaceAll(alias, 'ALIAS'));
		}
		t.is(seen.size, 1, `${row}: ${[...seen].join(' | ')}`);
	}
});
