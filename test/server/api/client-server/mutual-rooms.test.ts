import test from 'ava';
import type {RoomId, UserId} from '../../../../crypto/index.ts';
import {type App, call, register, request, type Session, startApp} from '../../../harness/index.ts';

const MUTUAL = '/_matrix/client/v1/mutual_rooms';
const PROPOSED = '/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms';

interface Mutual {
	readonly joined: readonly string[];
	readonly count: number;
	readonly next_batch?: string;
	readonly next_batch_token?: string;
}

const ask = (app: App, {access_token: token}: Session, query: string, path = MUTUAL) =>
	call<Mutual>(app, 'GET', `${path}?${query}`, {token});

async function create(app: App, {access_token: token}: Session, guests: readonly Session[]): Promise<string> {
	const {room_id: roomId} = await call<{room_id: string}>(app, 'POST', '/_matrix/client/v3/createRoom', {
		token,
		body: {preset: 'private_chat', invite: guests.map(({user_id}) => user_id)},
	});
	for (const guest of guests) {
		await call(app, 'POST', `/_matrix/client/v3/join/${roomId}`, {token: guest.access_token, body: {}});
	}
	return roomId;
}

test('rooms that two people are both in are listed, and no others', async (t) => {
	const app = await startApp(t);
	const [alice, bob] = [await register(app, 'alice'), await register(app, 'bobby')];
	const [one, two] = [await create(app, alice, [bob]), await create(app, bob, [alice])];
	await create(app, alice, []);
	await create(app, bob, []);
	const left = await create(app, alice, [bob]);
	await call(app, 'POST', `/_matrix/client/v3/rooms/${left}/leave`, {token: bob.access_token, body: {}});
	await call(app, 'POST', '/_matrix/client/v3/createRoom', {
		token: alice.access_token,
		body: {invite: [bob.user_id]},
	});
	for (const path of [MUTUAL, PROPOSED]) {
		const {joined, ...rest} = await ask(app, alice, `user_id=${bob.user_id}`, path);
		t.deepEqual(joined.toSorted(), [one, two].toSorted());
		t.deepEqual(rest, {count: 2});
	}
	t.is((await ask(app, bob, `user_id=${alice.user_id}`)).count, 2);
});

test('row 19: of strangers and of names that nobody has the answer is the same, and empty', async (t) => {
	const app = await startApp(t);
	const [alice, bob] = [await register(app, 'alice'), await register(app, 'bobby')];
	await create(app, alice, []);
	await create(app, bob, []);
	const answer = async (userId: string) =>
		(await request(app, 'GET', `${MUTUAL}?user_id=${userId}`, {token: alice.access_token})).text;
	t.deepEqual(JSON.parse(await answer(bob.user_id)), {joined: [], count: 0});
	for (const nobody of ['@bobbx:news.example', '@bob:elsewhere.example', '@UPPER:news.example']) {
		t.is(await answer(nobody), await answer(bob.user_id), nobody);
	}
});

test('oneself, what is no user id, and foreign tokens are refused', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	for (const query of [
		`user_id=${alice.user_id}`,
		'user_id=bobby',
		'user_id=',
		'',
		'user_id=@bobby:news.example&from=nonsense',
		'user_id=@bobby:news.example&from=',
	]) {
		const answer = await request(app, 'GET', `${MUTUAL}?${query}`, {token: alice.access_token});
		t.deepEqual([answer.status, answer.body['errcode']], [400, 'M_INVALID_PARAM'], query);
	}
	t.is((await request(app, 'GET', `${MUTUAL}?user_id=@bobby:news.example`)).status, 401);
});

test('many rooms come page by page', async (t) => {
	const app = await startApp(t);
	const [alice, bob] = [await register(app, 'alice'), await register(app, 'bobby')];
	const {storage} = app.application;
	const batch = storage.batch();
	for (let index = 0; index < 1001; index += 1) {
		const roomId = `!room${index}:news.example` as RoomId;
		const pos = batch.announce({kind: 'membership', roomId});
		for (const {user_id: userId} of [alice, bob]) {
			const row = {roomId, userId: userId as UserId, membership: 'join', sender: userId as UserId} as const;
			storage.memberships.set(batch, {...row, eventNid: null, isLocal: true, strippedState: null, pos});
		}
	}
	await storage.commit(batch);
	for (const [path, from, next] of [
		[MUTUAL, 'from', 'next_batch'],
		[PROPOSED, 'batch_token', 'next_batch_token'],
	] as const) {
		const seen: string[] = [];
		let token: string | undefined;
		do {
			const page = await ask(
				app,
				alice,
				`user_id=${bob.user_id}${token === undefined ? '' : `&${from}=${token}`}`,
				path,
			);
			t.is(page.count, 1001);
			seen.push(...page.joined);
			token = page[next];
		} while (token !== undefined);
		t.is(seen.length, 1001);
		t.is(new Set(seen).size, 1001);
	}
});
