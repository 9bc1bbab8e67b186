/** Who deactivates an account is out of its rooms before long, whatever happens to the server meanwhile. */
import test, {type ExecutionContext} from 'ava';
import type {RoomId, UserId} from '../../../crypto/index.ts';
import {EngineError} from '../../../federation/engine/index.ts';
import {RoomsError} from '../../../server/rooms/index.ts';
import {type Membership, type Storage, StorageError} from '../../../storage/index.ts';
import {getPostgres, onBoth, onPostgres} from '../../contract/databases.ts';
import {alice, write} from '../../contract/rows.ts';
import {
	type ClientTarget,
	call,
	memberContent,
	passwordOf,
	register,
	request,
	type Session,
	startApp,
	startServer,
	until,
} from '../../harness/index.ts';
import {HOUR, JobWorld, MINUTE} from './job-world.ts';

const V3 = '/_matrix/client/v3';

/** Two people in several rooms. */
async function fillRooms(
	target: ClientTarget,
	count: number,
): Promise<{alice: Session; bob: Session; rooms: readonly string[]}> {
	const [one, other] = [await register(target, 'alice'), await register(target, 'bob')];
	const rooms: string[] = [];
	for (let index = 0; index < count; index += 1) {
		const body = {preset: 'public_chat'};
		const room = await call<{room_id: string}>(target, 'POST', `${V3}/createRoom`, {token: one.access_token, body});
		const path = `${V3}/rooms/${encodeURIComponent(room.room_id)}/join`;
		await call(target, 'POST', path, {token: other.access_token, body: {}});
		rooms.push(room.room_id);
	}
	return {alice: one, bob: other, rooms};
}

const deactivate = (target: ClientTarget, {access_token: token}: Session, user: string) =>
	call(target, 'POST', `${V3}/account/deactivate`, {
		token,
		body: {auth: {type: 'm.login.password', user, password: passwordOf(user)}},
	});

async function survivesFault(t: ExecutionContext, config: Readonly<Record<string, unknown>>): Promise<void> {
	const app = await startApp(t, {config});
	const {bob, rooms} = await fillRooms(app, 5);
	const {storage} = app.application;
	const commit = storage.commit.bind(storage);
	let allowed = 2;
	storage.commit = (batch) => {
		const isLeave = batch.changes.some(({kind, subject}) => kind === 'event' && subject === bob.user_id);
		if (isLeave && allowed-- <= 0) return Promise.reject(new StorageError('unavailable', 'database or disk is full'));
		return commit(batch);
	};
	await deactivate(app, bob, 'bob');
	t.is((await request(app, 'GET', `${V3}/account/whoami`, {token: bob.access_token})).status, 401);
	const countLeft = async (target: typeof app) => {
		const contents = await Promise.all(rooms.map((roomId) => memberContent(target, roomId, bob.user_id)));
		return contents.filter((content) => (content as {membership: string}).membership === 'leave').length;
	};
	await until(() => app.readLog().includes('A background job failed'), 'the failure to be told');
	t.is(await countLeft(app), 2);
	t.false(app.readLog().includes(bob.user_id));
	await app.application.stop();
	app.advance(2 * MINUTE);
	const again = await app.restart();
	await until(async () => (await countLeft(again)) === 5, 'all rooms to be left');
	t.is((await request(again, 'GET', `${V3}/account/whoami`, {token: bob.access_token})).status, 401);
}

test('rooms that could not be left because the database was full are left after a restart (SQLite)', (t) =>
	survivesFault(t, {}));

onPostgres('rooms that could not be left because the database was full are left after a restart', async (t, {url}) => {
	// The databases of these tests are a.example's, and an application has its own name.
	const database = await (await getPostgres()).createDatabase(`app_${new URL(url).pathname.slice(1)}`);
	await survivesFault(t, {database});
});

test('a server that is killed as soon as it has ended an account goes on with its rooms', async (t) => {
	await using server = await startServer();
	const {alice: witness, bob, rooms} = await fillRooms(server, 20);
	await deactivate(server, bob, 'bob');
	await server.kill();
	await server.start();
	t.is((await request(server, 'GET', `${V3}/account/whoami`, {token: bob.access_token})).status, 401);
	for (const roomId of rooms) {
		const path = `${V3}/rooms/${encodeURIComponent(roomId)}/joined_members`;
		await until(async () => {
			const {joined} = await call<{joined: object}>(server, 'GET', path, {token: witness.access_token});
			return Object.keys(joined).length === 1;
		}, 'the room to be left');
	}
	t.pass();
});

const roomIds = ['!a:a.example', '!b:b.example', '!c:b.example'] as RoomId[];

const setMembership = (storage: Storage, roomId: RoomId, userId: UserId, membership: Membership) =>
	write(storage, (batch) => {
		const pos = batch.announce({kind: 'membership', roomId, subject: userId});
		storage.memberships.set(batch, {
			roomId,
			userId,
			membership,
			eventNid: null,
			sender: userId,
			isLocal: true,
			strippedState: null,
			pos,
		});
	});

onBoth('what fails is tried again, what refuses is passed over, and a late join is found', async (t, database) => {
	const storage = await database.open();
	const tries: string[] = [];
	const failures = new Map<RoomId, Error[]>([
		[roomIds[0]!, [new EngineError('unavailable', 'not now'), new RoomsError('unreachable', 'nobody there')]],
		[roomIds[1]!, Array.from({length: 9}, () => new RoomsError('forbidden', 'the rules of the room'))],
	]);
	const world = new JobWorld(storage, ['leave-rooms'], {
		services: {
			rooms: {
				async leave({userId}, roomId) {
					tries.push(roomId);
					const failure = failures.get(roomId)?.shift();
					if (failure !== undefined) throw failure;
					await setMembership(storage, roomId, userId, 'leave');
				},
			},
		},
	});
	for (const roomId of roomIds) await setMembership(storage, roomId, alice, roomId === roomIds[2] ? 'invite' : 'join');
	await world.runner.start();
	const find = () => storage.jobs.find('leave-rooms', alice);
	await write(storage, (batch) =>
		storage.jobs.add(batch, {kind: 'leave-rooms', key: alice, payload: {}, dueTs: world.clock.now()}),
	);
	await world.until(() => world.resultsOf('leave-rooms').length === 3, 'the first look');
	t.deepEqual(tries, [...roomIds, ...roomIds.slice(0, 2), ...roomIds.slice(0, 2)]);
	t.deepEqual(world.resultsOf('leave-rooms'), ['failed 0', 'failed 0', 'continued 1']);
	const second = await until(find, 'the second look to be planned');
	t.true(second.dueTs > world.clock.now() + 9 * MINUTE);
	// A join by another server had begun before the account ended.
	await setMembership(storage, roomIds[2]!, alice, 'join');
	world.clock.advance(HOUR);
	await world.until(() => world.results.length === 4, 'the second look');
	t.is((await storage.memberships.find(roomIds[2]!, alice))?.membership, 'leave');
	t.is(await find(), undefined);
	await world.runner.stop();
});
