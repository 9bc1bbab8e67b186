import test, {type ExecutionContext} from 'ava';
import type {RoomId, ServerName, UserId} from '../../../crypto/index.ts';
import {systemClock} from '../../../federation/engine/index.ts';
import {createVisibility, type PrivacyScope} from '../../../server/visibility/index.ts';
import type {Membership, Storage} from '../../../storage/index.ts';
import {APP_SERVER_NAME, discretionOf, ManualClock, startApp} from '../../harness/index.ts';

const ALICE = `@alice:${APP_SERVER_NAME}` as UserId;
const BOBBY = `@bobby:${APP_SERVER_NAME}` as UserId;
const NOBODY = `@nobody:${APP_SERVER_NAME}` as UserId;
const REMOTE = '@carol:elsewhere.example' as UserId;
const ROOM = '!room:news.example' as RoomId;
const ELSEWHERE = 'elsewhere.example' as ServerName;
const person = (userId: UserId, more: object = {}) => ({userId, isAdmin: false, isGuest: false, ...more});

async function setUp(t: ExecutionContext, scope: PrivacyScope) {
	const {storage} = (await startApp(t)).application;
	const visibility = createVisibility({
		storage,
		serverName: APP_SERVER_NAME as ServerName,
		...discretionOf(storage, APP_SERVER_NAME as ServerName),
		scopes: {profiles: scope, directory: scope, keys: scope},
		isPartner: (server) => server === 'partner.example',
		clock: systemClock,
	});
	return {storage, visibility};
}

async function setMemberships(storage: Storage, members: Readonly<Record<UserId, Membership>>): Promise<void> {
	const batch = storage.batch();
	storage.rooms.add(batch, {roomId: ROOM, version: '12', creator: ALICE});
	for (const [id, membership] of Object.entries(members)) {
		const userId = id as UserId;
		const pos = batch.announce({kind: 'membership', roomId: ROOM, subject: userId});
		const isLocal = userId.endsWith(`:${APP_SERVER_NAME}`);
		storage.memberships.set(batch, {
			roomId: ROOM,
			userId,
			membership,
			eventNid: null,
			sender: userId,
			isLocal,
			strippedState: null,
			pos,
		});
		if (membership === 'join' && !isLocal) storage.memberships.addServer(batch, ROOM, ELSEWHERE, pos);
	}
	await storage.commit(batch);
}

test('with shared, people know themselves, those they share a room with, and administrators know all', async (t) => {
	const {storage, visibility} = await setUp(t, 'shared');
	const know = (asker: UserId, target: UserId, more?: object) =>
		visibility.mayKnow(person(asker, more), target, 'profiles');
	t.true(await know(ALICE, ALICE));
	t.false(await know(ALICE, BOBBY));
	t.false(await know(ALICE, NOBODY));
	t.true(await know(ALICE, NOBODY, {isAdmin: true}));
	t.false(await visibility.mayKnow(undefined, ALICE, 'profiles'));
	await setMemberships(storage, {[ALICE]: 'join', [BOBBY]: 'join', [REMOTE]: 'join', [NOBODY]: 'leave'});
	t.true(await know(ALICE, BOBBY));
	t.true(await know(ALICE, REMOTE));
	t.false(await know(ALICE, NOBODY));
	t.false(await know(NOBODY, ALICE));
});

test('with server, people of the server know each other and nobody elsewhere; guests do not', async (t) => {
	const {visibility} = await setUp(t, 'server');
	t.true(await visibility.mayKnow(person(ALICE), BOBBY, 'keys'));
	t.true(await visibility.mayKnow(person(ALICE), NOBODY, 'keys'));
	t.false(await visibility.mayKnow(person(ALICE), REMOTE, 'keys'));
	t.false(await visibility.mayKnow(person(ALICE, {isGuest: true}), BOBBY, 'keys'));
	t.false(visibility.isOpen('keys'));
});

test('with open, everybody knows everybody', async (t) => {
	const {visibility} = await setUp(t, 'open');
	t.true(await visibility.mayKnow(undefined, REMOTE, 'directory'));
	t.true(await visibility.mayServerKnow(ELSEWHERE, ALICE, 'directory'));
	t.true(visibility.isOpen('directory'));
});

test('another server knows those who share a room with its people, and partners more where that is set', async (t) => {
	const {storage, visibility} = await setUp(t, 'shared');
	t.false(await visibility.mayServerKnow(ELSEWHERE, ALICE, 'profiles'));
	await setMemberships(storage, {[ALICE]: 'join', [BOBBY]: 'invite', [REMOTE]: 'join'});
	t.true(await visibility.mayServerKnow(ELSEWHERE, ALICE, 'profiles'));
	t.false(await visibility.mayServerKnow(ELSEWHERE, BOBBY, 'profiles'));
	t.false(await visibility.mayServerKnow(ELSEWHERE, NOBODY, 'profiles'));
	t.false(await visibility.mayServerKnow('partner.example' as ServerName, ALICE, 'profiles'));
	const partners = (await setUp(t, 'partners')).visibility;
	t.true(await partners.mayServerKnow('partner.example' as ServerName, NOBODY, 'profiles'));
	t.false(await partners.mayServerKnow(ELSEWHERE, NOBODY, 'profiles'));
});

test('of several people at once is known what is known of each', async (t) => {
	const surfaces = ['profiles', 'directory', 'keys'] as const;
	for (const scope of ['shared', 'server', 'partners', 'open'] as const) {
		const {storage, visibility} = await setUp(t, scope);
		const invited = '@invited:news.example' as UserId;
		const inviter = '@inviter:news.example' as UserId;
		await setMemberships(storage, {[ALICE]: 'join', [BOBBY]: 'join', [REMOTE]: 'join', [NOBODY]: 'leave'});
		const batch = storage.batch();
		for (const [userId, sender] of [
			[invited, ALICE],
			[ALICE, inviter],
		] as const) {
			const roomId = `!of-${sender}` as RoomId;
			const pos = batch.announce({kind: 'membership', roomId, subject: userId});
			const row = {roomId, userId, membership: 'invite', eventNid: null, sender, isLocal: true} as const;
			storage.memberships.set(batch, {...row, strippedState: null, pos});
		}
		await storage.commit(batch);
		const targets = [ALICE, BOBBY, NOBODY, REMOTE, invited, inviter, '@other:elsewhere.example' as UserId];
		const askers = [
			undefined,
			person(ALICE),
			person(BOBBY, {isGuest: true}),
			person(invited),
			person(NOBODY, {isAdmin: true}),
		];
		for (const surface of surfaces) {
			for (const asker of askers) {
				const each: UserId[] = [];
				for (const target of targets) if (await visibility.mayKnow(asker, target, surface)) each.push(target);
				const known = await visibility.filterKnown(asker, targets, surface);
				t.deepEqual([...known].toSorted(), each.toSorted(), `${scope} ${surface} ${asker?.userId}`);
			}
			for (const origin of [ELSEWHERE, 'partner.example' as ServerName, 'stranger.example' as ServerName]) {
				const each: UserId[] = [];
				for (const target of targets) if (await visibility.mayServerKnow(origin, target, surface)) each.push(target);
				const known = await visibility.filterKnownToServer(origin, targets, surface);
				t.deepEqual([...known].toSorted(), each.toSorted(), `${scope} ${surface} ${origin}`);
			}
		}
		if (scope === 'shared') {
			const known = await visibility.filterKnown(person(ALICE), targets, 'keys');
			t.deepEqual([...known].toSorted(), [ALICE, BOBBY, REMOTE, invited, inviter].toSorted());
		}
	}
});

test('a refusal leaves at a tick of the grid, however long it took; what is given does not wait', async (t) => {
	const {storage} = (await startApp(t)).application;
	const clock = new ManualClock();
	const visibility = createVisibility({
		storage,
		serverName: APP_SERVER_NAME as ServerName,
		...discretionOf(storage, APP_SERVER_NAME as ServerName),
		scopes: {profiles: 'shared', directory: 'shared', keys: 'shared'},
		isPartner: () => false,
		clock,
	});
	t.is(await visibility.refuseOnGrid(() => Promise.resolve(7)), 7);
	const tasks: Record<string, () => Promise<unknown>> = {
		refused: () => visibility.refuseOnGrid(() => take(clock, 7).then(() => Promise.reject(new Error('no')))),
		'refused late': () => visibility.refuseOnGrid(() => take(clock, 33).then(() => Promise.reject(new Error('no')))),
		answered: () => visibility.answerOnGrid(() => take(clock, 1)),
		'answered by a refusal': () =>
			visibility.answerOnGrid(() => take(clock, 19).then(() => Promise.reject(new Error('no')))),
	};
	const waits: Record<string, number | undefined> = {};
	for (const [name, run] of Object.entries(tasks)) {
		const running = run().catch(() => undefined);
		await new Promise((resolve) => setImmediate(resolve));
		waits[name] = clock.nextDelay();
		clock.advance(20);
		await running;
	}
	// What is left of the last millisecond is waited for awake.
	t.deepEqual(waits, {refused: 12, 'refused late': 6, answered: 18, 'answered by a refusal': undefined});
});

test('row 13: a search of the directory does not wait in between, since how often would tell what it has found', async (t) => {
	const {storage} = (await startApp(t)).application;
	const clock = new ManualClock();
	const visibility = createVisibility({
		storage,
		serverName: APP_SERVER_NAME as ServerName,
		...discretionOf(storage, APP_SERVER_NAME as ServerName),
		scopes: {profiles: 'shared', directory: 'shared', keys: 'shared'},
		isPartner: () => false,
		clock,
	});
	t.deepEqual(await visibility.filterKnown(person(ALICE), [BOBBY, NOBODY], 'directory'), new Set());
	t.is(clock.waiting, 0);
});

/** Lets time pass, as something that is looked up does. */
async function take(clock: ManualClock, ms: number): Promise<void> {
	await Promise.resolve();
	clock.nowMs += ms;
}
