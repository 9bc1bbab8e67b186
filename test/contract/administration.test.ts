import type {UserId} from '../../crypto/index.ts';
import {ConflictError, type MediaRow, type Storage} from '../../storage/index.ts';
import {onBoth} from './databases.ts';
import {account, addLive, alice, bob, eventId, partner, phone, room, write} from './rows.ts';

const carol = '@carol_x:a.example' as UserId;
const stranger = '@dave:b.example' as UserId;

async function addPeople(storage: Storage): Promise<void> {
	await write(storage, (batch) => {
		storage.accounts.add(batch, {...account(alice), isAdmin: true, createdDay: 3});
		storage.accounts.add(batch, {...account(bob), isDeactivated: true, createdDay: 1});
		storage.accounts.add(batch, {...account(carol), isLocked: true, createdDay: 2});
		storage.profiles.set(batch, bob, 'displayname', 'Zoë 100%', batch.announce({kind: 'profile', subject: bob}));
		storage.devices.add(batch, {userId: carol, deviceId: phone, displayName: null, lastSeenDay: 9});
	});
}

onBoth('accounts are found by their names, what they are called, and what they are', async (t, database) => {
	const storage = await database.open();
	await addPeople(storage);
	const find = async (query: Parameters<typeof storage.accounts.search>[0], order = 'name', isDescending = false) => {
		const page = {order: order as 'name', isDescending, offset: 0, limit: 10};
		const found = await storage.accounts.search(query, page);
		t.is(await storage.accounts.countFound(query), found.length);
		return found.map(({userId}) => userId);
	};
	t.deepEqual(await find({}), [alice, bob, carol]);
	t.deepEqual(await find({}, 'name', true), [carol, bob, alice]);
	t.deepEqual(await find({text: 'ALI'}), [alice]);
	t.deepEqual(await find({text: '100%'}), [bob]);
	t.deepEqual(await find({text: '_x'}), [carol]);
	t.deepEqual(await find({text: 'nobody'}), []);
	t.deepEqual(await find({text: 'example'}), []);
	t.deepEqual(await find({idPart: 'ob:a.ex'}), [bob]);
	t.deepEqual(await find({isAdmin: true}), [alice]);
	t.deepEqual(await find({isAdmin: false}), [bob, carol]);
	t.deepEqual(await find({isDeactivated: false, isLocked: false, isGuest: false, isSuspended: false}), [alice]);
	t.deepEqual(await find({}, 'creation_ts'), [bob, carol, alice]);
	t.deepEqual(await find({}, 'creation_ts', true), [alice, carol, bob]);
	t.deepEqual(await find({}, 'admin', true), [alice, bob, carol]);
	t.deepEqual(await find({}, 'displayname', true), [bob, alice, carol]);
	t.deepEqual(await find({}, 'last_seen_ts', true), [carol, alice, bob]);
	const [second] = await storage.accounts.search({}, {order: 'name', isDescending: false, offset: 1, limit: 1});
	t.like(second, {userId: bob, displayName: 'Zoë 100%', avatarUrl: null, lastSeenDay: null, isDeactivated: true});
});

onBoth('a registration token is changed where there is one', async (t, database) => {
	const storage = await database.open();
	const token = {tokenHash: 'h', name: 'n', usesAllowed: 1, usesDone: 0, expiresTs: null, makesAdmin: false};
	await write(storage, (batch) => storage.accounts.addRegistrationToken(batch, token));
	const change = {usesAllowed: null, expiresTs: 7};
	await write(storage, (batch) => storage.accounts.updateRegistrationToken(batch, 'h', change));
	t.deepEqual(await storage.accounts.findRegistrationToken('h'), {...token, ...change});
	await t.throwsAsync(
		write(storage, (batch) => storage.accounts.updateRegistrationToken(batch, 'x', change)),
		{instanceOf: ConflictError},
	);
});

onBoth('complaints are found by whom and what they are about, and removed once', async (t, database) => {
	const storage = await database.open();
	const report = {kind: 'event', target: '$1', roomId: room, reporter: alice, reason: '', receivedTs: 1} as const;
	await write(storage, (batch) => {
		storage.reports.add(batch, report);
		storage.reports.add(batch, {...report, reporter: bob, target: '$2'});
		storage.reports.add(batch, {...report, kind: 'user', roomId: null, target: bob});
	});
	const find = async (query: Parameters<typeof storage.reports.list>[0]) => {
		const found = await storage.reports.list(query, {limit: 9});
		t.is(await storage.reports.count(query), found.length);
		return found.map(({target}) => target);
	};
	t.deepEqual(await find({}), [bob, '$2', '$1']);
	t.deepEqual(await find({kind: 'event'}), ['$2', '$1']);
	t.deepEqual(await find({reporter: alice}), [bob, '$1']);
	t.deepEqual(await find({roomId: room, reporter: bob}), ['$2']);
	t.deepEqual(await find({target: bob}), [bob]);
	const [oldest] = await storage.reports.list({}, {isOldestFirst: true, limit: 1});
	t.is(oldest?.target, '$1');
	t.like(await storage.reports.find(oldest!.id), report);
	await write(storage, (batch) => storage.reports.remove(batch, oldest!.id));
	t.is(await storage.reports.find(oldest!.id), undefined);
	await t.throwsAsync(
		write(storage, (batch) => storage.reports.remove(batch, oldest!.id)),
		{instanceOf: ConflictError},
	);
});

onBoth(
	'a room is closed at once and removed piece by piece, but for what people here are to it',
	async (t, database) => {
		const storage = await database.open();
		const member = {eventNid: null, strippedState: null, roomId: room} as const;
		await write(storage, (batch) => {
			storage.rooms.add(batch, {roomId: room, version: '11', creator: alice});
			storage.aliases.add(batch, {alias: '#a:a.example' as never, roomId: room, creator: alice, servers: []});
			const pos = batch.announce({kind: 'membership', roomId: room, subject: alice});
			const joined = {...member, membership: 'join', pos} as const;
			storage.memberships.set(batch, {...joined, userId: alice, sender: alice, isLocal: true});
			storage.memberships.set(batch, {...joined, userId: stranger, sender: stranger, isLocal: false});
		});
		for (let at = 0; at < 3; at += 1) {
			await write(storage, (batch) => {
				for (let index = 0; index < 400; index += 1) {
					const {nid} = addLive(storage, batch, {eventId: eventId(`${at}-${index}`)});
					if (at === 0 && index < 2) {
						storage.rooms.setCurrentState(batch, room, [{type: 'm.room.name', stateKey: String(index), eventNid: nid}]);
					}
				}
			});
		}
		const figures = (await storage.rooms.findFigures([room])).get(room);
		t.like(figures, {joinedMembers: 2, joinedLocalMembers: 1, stateEvents: 2});
		await write(storage, (batch) => storage.rooms.close(batch, room));
		t.like(await storage.rooms.find(room), {headRoot: null, isBlocked: true, isPublished: false, extremities: []});
		t.deepEqual(await storage.aliases.listOfRoom(room), []);
		const counts: number[] = [];
		for (;;) {
			const batch = storage.batch();
			const removed = storage.rooms.removePiece(batch, room);
			await storage.commit(batch);
			counts.push(removed.value);
			if (removed.value === 0) break;
		}
		// Members and state go with the first piece.
		t.deepEqual(counts, [503, 500, 200, 0]);
		t.is((await storage.memberships.find(room, alice))?.membership, 'join');
		t.is(await storage.memberships.find(room, stranger), undefined);
		t.is((await storage.events.findMarks([eventId('0-0')])).size, 0);
		await write(storage, (batch) => storage.rooms.setVersion(batch, room, '12'));
		t.is((await storage.rooms.find(room))?.version, '12');
		await write(storage, (batch) => storage.rooms.remove(batch, room));
		t.is(await storage.rooms.find(room), undefined);
	},
);

onBoth('media are counted for each person who has any', async (t, database) => {
	const storage = await database.open();
	const medium: MediaRow = {
		origin: 'a.example' as never,
		mediaId: 'm1',
		uploader: alice,
		contentType: 'image/png',
		fileName: null,
		sizeBytes: 10,
		sha256: 'ff',
		isQuarantined: false,
		createdTs: 5,
		lastUsedDay: 1,
	};
	await write(storage, (batch) => {
		storage.media.add(batch, medium);
		storage.media.add(batch, {...medium, mediaId: 'm2', sizeBytes: 3, createdTs: 7});
		storage.media.add(batch, {...medium, mediaId: 'm3', uploader: bob, sizeBytes: 2});
		storage.media.add(batch, {...medium, mediaId: 'm4', uploader: bob, sizeBytes: null, sha256: null});
		storage.media.add(batch, {...medium, origin: partner, uploader: null});
	});
	t.deepEqual(await storage.media.countOfUploaders({}), [
		{uploader: alice, count: 2, bytes: 13},
		{uploader: bob, count: 1, bytes: 2},
	]);
	t.deepEqual(await storage.media.countOfUploaders({fromTs: 6}), [{uploader: alice, count: 1, bytes: 3}]);
	t.deepEqual(await storage.media.countOfUploaders({untilTs: 4}), []);
});
