import type {EventId, RoomAlias, RoomId, ServerName, UserId} from '../../crypto/index.ts';
import {
	type Batch,
	ConflictError,
	DuplicateError,
	type Membership,
	type NewEvent,
	type Storage,
} from '../../storage/index.ts';
import {onBoth} from './databases.ts';
import {addLive, alice, bob, eventId, newEvent, partner, room, write} from './rows.ts';

const other = '!other:b.example' as RoomId;
const range = (count: number) => Array.from({length: count}, (_, index) => index);
const idsOf = (events: readonly {eventId: EventId}[]) => events.map((event) => event.eventId);

const join = (storage: Storage, batch: Batch, roomId: RoomId, userId: UserId, membership: Membership = 'join') => {
	const pos = batch.announce({kind: 'membership', roomId, subject: userId});
	const isLocal = userId.endsWith(':a.example');
	storage.memberships.set(batch, {
		roomId,
		userId,
		membership,
		eventNid: null,
		sender: userId,
		isLocal,
		strippedState: null,
		pos,
	});
	return pos;
};

onBoth('a timeline is paged in both directions, fetched events in the gap before their anchor', async (t, database) => {
	const storage = await database.open();
	for (const name of ['a', 'b', 'c'])
		await write(storage, (batch) => addLive(storage, batch, {eventId: eventId(name)}));
	await write(storage, (batch) => {
		storage.events.add(batch, newEvent(storage, {eventId: eventId('old2'), anchor: 3, minor: -1}));
		storage.events.add(batch, newEvent(storage, {eventId: eventId('old1'), anchor: 3, minor: -2}));
		storage.events.add(batch, newEvent(storage, {eventId: eventId('outlier'), outlier: true}));
		storage.events.add(batch, newEvent(storage, {eventId: eventId('elsewhere'), roomId: other, anchor: 3, minor: 0}));
	});
	const page = async (query: object) =>
		idsOf(await storage.events.listTimeline({roomId: room, direction: 'forwards', limit: 10, ...query})).join('');
	t.is(await page({}), '$a$b$old1$old2$c');
	t.is(await page({direction: 'backwards'}), '$c$old2$old1$b$a');
	t.is(await page({from: {anchor: 2, minor: 0}, limit: 2}), '$old1$old2');
	t.is(await page({direction: 'backwards', from: {anchor: 3, minor: -1}, to: {anchor: 1, minor: 0}}), '$old1$b');
	t.is(await page({roomId: '!none:a.example'}), '');
	t.deepEqual(idsOf(await storage.events.listLatest(room, 3, 2)), [eventId('c'), eventId('b')]);
	t.is((await storage.events.findLatest(room, 2))?.eventId, eventId('b'));
	t.is(await storage.events.findLowestMinor(room, 3), -2);
	t.is(await storage.events.findLowestMinor(room, 2), 0);
	const place = storage.batch();
	storage.events.add(place, newEvent(storage, {eventId: eventId('twice'), anchor: 3, minor: -2}));
	await t.throwsAsync(storage.commit(place), {instanceOf: DuplicateError});
});

onBoth('an event is found by id and nid, redacted once, and an outlier can take its place', async (t, database) => {
	const storage = await database.open();
	const events: NewEvent[] = [];
	await write(storage, (batch) => {
		events.push(newEvent(storage, {eventId: eventId('x'), outlier: true, json: '{"x":1}'}));
		storage.events.add(batch, events[0]!);
	});
	const {nid} = events[0]!;
	t.is((await storage.events.findByNid(nid))?.json, '{"x":1}');
	t.like((await storage.events.findMarks([eventId('x'), eventId('y')])).get(eventId('x')), {nid, outlier: true});
	await write(storage, (batch) => {
		const pos = batch.announce({kind: 'event', roomId: room, ref: nid});
		storage.events.replace(batch, {...events[0]!, outlier: false, stateBefore: 7, anchor: pos, minor: 0});
		storage.events.setRedactedBy(batch, nid, 101);
		storage.events.setRedactedBy(batch, nid, 102);
	});
	await write(storage, (batch) =>
		storage.events.setStateBefore(batch, nid, {stateBefore: 8, statePartial: true, rejected: 'rule 4'}),
	);
	t.like((await storage.events.findByNids([nid])).get(nid), {
		outlier: false,
		anchor: 1,
		redactedBy: 101,
		stateBefore: 8,
		statePartial: true,
		rejected: 'rule 4',
	});
	const again = storage.batch();
	storage.events.add(again, newEvent(storage, {eventId: eventId('x')}));
	t.is((await t.throwsAsync(storage.commit(again), {instanceOf: DuplicateError}))?.table, 'events');
	const none = storage.batch();
	storage.events.setStateBefore(none, 999_999, {stateBefore: 1, statePartial: false, rejected: null});
	t.is((await t.throwsAsync(storage.commit(none), {instanceOf: ConflictError}))?.condition, 'event');
});

onBoth(
	'an event that comes after its redaction, and a room that is left and forgotten, each in one batch',
	async (t, database) => {
		const storage = await database.open();
		await write(storage, (batch) => {
			const live = addLive(storage, batch, {eventId: eventId('x')});
			storage.events.setRedactedBy(batch, live.nid, 77);
			storage.events.setStateBefore(batch, live.nid, {stateBefore: 5, statePartial: true, rejected: null});
			join(storage, batch, room, alice, 'leave');
			storage.memberships.forget(batch, room, alice);
			const pos = batch.announce({kind: 'event', roomId: room});
			storage.memberships.addServer(batch, room, partner, pos);
			storage.memberships.removeServer(batch, room, partner, pos);
		});
		t.like(await storage.events.findById(eventId('x')), {redactedBy: 77, stateBefore: 5, statePartial: true});
		t.like(await storage.memberships.find(room, alice), {membership: 'leave', forgotten: true});
		t.deepEqual(await storage.memberships.listServerSpansOfRoom(room), [
			{roomId: room, server: partner, fromPos: 3, toPos: 3},
		]);
	},
);

onBoth('relations leave out what may not be shown, and threads know their newest event', async (t, database) => {
	const storage = await database.open();
	const root = eventId('root');
	const relate = (name: string, having: Partial<NewEvent>) =>
		write(storage, (batch) =>
			addLive(storage, batch, {eventId: eventId(name), relatesTo: root, relType: 'm.thread', ...having}),
		);
	await relate('t1', {});
	await relate('t2', {type: 'm.sticker'});
	await relate('edit', {relType: 'm.replace'});
	await relate('rejected', {rejected: 'no'});
	await relate('soft', {softFailed: true});
	const list = async (query: object) =>
		idsOf(
			await storage.events.listRelations({roomId: room, eventId: root, direction: 'backwards', limit: 9, ...query}),
		).join('');
	t.is(await list({}), '$edit$t2$t1');
	t.is(await list({relType: 'm.thread', direction: 'forwards'}), '$t1$t2');
	t.is(await list({relType: 'm.thread', type: 'm.sticker'}), '$t2');
	t.is(await list({type: 'm.room.message', limit: 1}), '$edit');
	t.is(await list({from: {anchor: 3, minor: 0}}), '$t2$t1');
	t.is((await storage.events.findLatestInThread(room, root, 1))?.eventId, eventId('t1'));
	t.is((await storage.events.findLatestInThread(room, root, 2))?.eventId, eventId('t2'));
});

onBoth('events are found by time', async (t, database) => {
	const storage = await database.open();
	for (const ts of [30, 10, 20]) {
		await write(storage, (batch) => addLive(storage, batch, {eventId: eventId(ts), originServerTs: ts}));
	}
	const at = async (ts: number, direction: 'forwards' | 'backwards') =>
		(await storage.events.findByTime(room, ts, direction))?.eventId;
	t.deepEqual(
		[await at(11, 'forwards'), await at(19, 'backwards'), await at(31, 'forwards'), await at(30, 'backwards')],
		[eventId(20), eventId(10), undefined, eventId(30)],
	);
});

onBoth('current state is replaced, removed, and listed by type in pages', async (t, database) => {
	const storage = await database.open();
	await write(storage, (batch) => storage.rooms.add(batch, {roomId: room, version: '12', creator: null}));
	const set = (type: string, stateKey: string, name: string) =>
		write(storage, (batch) => {
			const {nid} = addLive(storage, batch, {eventId: eventId(name), type, stateKey});
			storage.rooms.setCurrentState(batch, room, [{type, stateKey, eventNid: nid}]);
		});
	await set('m.room.name', '', 'n1');
	await set('m.room.name', '', 'n2');
	for (const index of range(5)) await set('m.room.member', `@u${index}:a.example`, `m${index}`);
	t.is((await storage.rooms.findCurrentState(room, 'm.room.name', ''))?.eventId, eventId('n2'));
	t.is(await storage.rooms.findCurrentState(room, 'm.room.topic', ''), undefined);
	t.is((await storage.rooms.listCurrentState(room, {limit: 100})).length, 6);
	const types = ['m.room.member', 'unheard.of'];
	const first = await storage.rooms.listCurrentState(room, {types, limit: 3});
	const after = {type: 'm.room.member', stateKey: first.at(-1)!.stateKey!};
	const second = await storage.rooms.listCurrentState(room, {types, limit: 3, after});
	t.deepEqual(
		idsOf([...first, ...second]),
		range(5).map((index) => eventId(`m${index}`)),
	);
	await write(storage, (batch) =>
		storage.rooms.setCurrentState(batch, room, [{type: 'm.room.name', stateKey: '', eventNid: null}]),
	);
	t.is(await storage.rooms.findCurrentState(room, 'm.room.name', ''), undefined);
});

onBoth('rooms are listed, published and removed with all that is theirs', async (t, database) => {
	const storage = await database.open();
	await write(storage, (batch) => {
		for (const roomId of [room, other]) {
			storage.rooms.add(batch, {roomId, version: '11', creator: alice});
			const live = addLive(storage, batch, {eventId: eventId(roomId), roomId});
			join(storage, batch, roomId, alice);
			storage.memberships.addServer(batch, roomId, partner, live.anchor!);
			const alias = {alias: `#x:${roomId}` as RoomAlias, roomId, creator: alice, servers: [partner]};
			storage.aliases.add(batch, alias);
		}
		storage.rooms.setPublished(batch, other, true);
		storage.rooms.setBlocked(batch, room, true);
	});
	const list = async (rows: Promise<readonly {roomId: RoomId}[]>) => (await rows).map(({roomId}) => roomId);
	t.deepEqual(await list(storage.rooms.list({limit: 9})), [room, other]);
	t.deepEqual(await list(storage.rooms.list({after: room, limit: 9})), [other]);
	t.deepEqual(await list(storage.rooms.listPublished({limit: 9})), [other]);
	t.like((await storage.rooms.findMany([room, other])).get(room), {isBlocked: true, headVersion: 0, extremities: []});
	t.is((await storage.aliases.listOfRoom(room)).length, 1);
	await write(storage, (batch) => storage.rooms.remove(batch, room));
	t.is(await storage.rooms.find(room), undefined);
	t.is(await storage.events.findById(eventId(room)), undefined);
	t.is(await storage.memberships.find(room, alice), undefined);
	t.deepEqual([await storage.memberships.listServers(room), await storage.aliases.listOfRoom(room)], [[], []]);
	t.truthy(await storage.events.findById(eventId(other)));
	const twice = storage.batch();
	storage.rooms.add(twice, {roomId: other, version: '11', creator: alice});
	t.is((await t.throwsAsync(storage.commit(twice), {instanceOf: DuplicateError}))?.table, 'rooms');
});

onBoth('memberships answer who is where and who shares a room with whom', async (t, database) => {
	const storage = await database.open();
	const {memberships} = storage;
	const carol = '@carol:b.example' as UserId;
	const dan = '@dan:b.example' as UserId;
	await write(storage, (batch) => {
		join(storage, batch, room, alice);
		join(storage, batch, room, bob);
		join(storage, batch, room, carol, 'invite');
		join(storage, batch, other, carol);
		join(storage, batch, other, alice);
		join(storage, batch, other, dan, 'leave');
	});
	t.deepEqual(await memberships.count(room), {join: 2, invite: 1});
	t.deepEqual(
		(await memberships.listOfUser(alice, ['join'])).map(({roomId}) => roomId),
		[room, other],
	);
	t.deepEqual(
		(await memberships.listOfRoom(room, {memberships: ['invite', 'join'], limit: 9})).map(({userId}) => userId),
		[alice, bob, carol],
	);
	t.deepEqual(
		(await memberships.listOfRoom(room, {after: alice, limit: 1})).map(({userId}) => userId),
		[bob],
	);
	t.deepEqual(await memberships.listLocalJoined(other), [alice]);
	t.deepEqual(
		(await memberships.listFirstJoined(other, 5)).map(({userId, pos}) => `${pos} ${userId}`),
		[`4 ${carol}`, `5 ${alice}`],
	);
	t.deepEqual(
		[
			await memberships.sharesRoom(alice, bob),
			await memberships.sharesRoom(bob, carol),
			await memberships.sharesRoom(alice, dan),
		],
		[true, false, false],
	);
	t.deepEqual(await memberships.listShared(alice, carol, {limit: 9}), [other]);
	t.deepEqual(await memberships.listShared(alice, carol, {after: other, limit: 9}), []);
	t.deepEqual([await memberships.countShared(alice, carol), await memberships.countShared(alice, dan)], [1, 0]);
	t.deepEqual(await memberships.listPeers(alice, {limit: 9}), [alice, bob, carol]);
	t.deepEqual(await memberships.listPeers(alice, {after: alice, limit: 1}), [bob]);
	t.deepEqual((await memberships.listSharing(alice, [bob, dan])).toSorted(), [bob]);
	t.deepEqual(await memberships.listInvites([alice, bob, carol]), [{userId: carol, sender: carol}]);
	await write(storage, (batch) => join(storage, batch, room, bob, 'leave'));
	await write(storage, (batch) => memberships.forget(batch, room, bob));
	t.deepEqual(await memberships.listOfUser(bob), []);
	t.like(await memberships.find(room, bob), {membership: 'leave', forgotten: true, pos: 7});
	await write(storage, (batch) => join(storage, batch, room, bob));
	t.like(await memberships.find(room, bob), {membership: 'join', forgotten: false});
});

onBoth('a server is owed what happened while it had a member, its last leave included', async (t, database) => {
	const storage = await database.open();
	const {memberships} = storage;
	const move = (fill: (batch: Batch, pos: ReturnType<Batch['announce']>) => void) =>
		write(storage, (batch) => fill(batch, batch.announce({kind: 'event', roomId: room})));
	await move((batch, pos) => memberships.addServer(batch, room, partner, pos));
	await move((batch, pos) => memberships.addServer(batch, room, partner, pos));
	await move((batch, pos) => memberships.addServer(batch, room, 'c.example' as ServerName, pos));
	await move((batch, pos) => memberships.removeServer(batch, room, partner, pos));
	t.deepEqual(await memberships.listServers(room), ['c.example' as ServerName]);
	await move((batch, pos) => memberships.addServer(batch, room, partner, pos));
	const spans = [
		{roomId: room, server: partner, fromPos: 1, toPos: 4},
		{roomId: room, server: partner, fromPos: 5, toPos: null},
	];
	t.deepEqual(
		(await memberships.listServerSpansOfRoom(room)).filter(({server}) => server === partner),
		spans,
	);
	t.deepEqual(
		(await memberships.listServerSpans(partner, 3)).toSorted((a, b) => a.fromPos - b.fromPos),
		spans,
	);
	t.deepEqual(await memberships.listServerSpans(partner, 4), spans.slice(1));
	await write(storage, (batch) => join(storage, batch, room, alice));
	t.deepEqual((await memberships.listPeerServers(alice)).toSorted(), [partner, 'c.example' as ServerName]);
	t.deepEqual(await memberships.listSharingWithServer(partner, [alice, bob]), [alice]);
	t.deepEqual(await memberships.listSharingWithServer('d.example' as ServerName, [alice]), []);
});

onBoth('a receipt moves, one for each thread, and is listed by its last position', async (t, database) => {
	const storage = await database.open();
	const read = (threadId: string | null, name: string, userId = alice) =>
		write(storage, (batch) => {
			const pos = batch.announce({kind: 'receipt', roomId: room, subject: userId});
			const row = {roomId: room, userId, type: 'm.read', threadId, eventId: eventId(name), ts: 5, data: {}, pos};
			storage.receipts.set(batch, row);
		});
	await read(null, 'a');
	await read('main', 'b');
	await read(null, 'c', bob);
	await read(null, 'd');
	const rows = await storage.receipts.listChanged(room, 0, 9);
	t.deepEqual(
		rows.map(({pos, threadId}) => `${pos} ${threadId}`),
		['4 null', '3 null', '2 main'],
	);
	t.deepEqual(idsOf(await storage.receipts.listOfUser(room, alice)).toSorted(), [eventId('b'), eventId('d')]);
	t.deepEqual((await storage.receipts.listChanged(room, 3, 3)).length, 0);
});

onBoth(
	'the last changes of rooms are their newest live events, or changes of state without one',
	async (t, database) => {
		const storage = await database.open();
		await write(storage, (batch) => {
			for (const roomId of [room, other]) storage.rooms.add(batch, {roomId, version: '11', creator: alice});
		});
		const found = async () =>
			Object.fromEntries(await storage.rooms.findLastChanges([room, other, '!none:a.example' as RoomId]));
		t.deepEqual(await found(), {});
		await write(storage, (batch) => addLive(storage, batch, {eventId: eventId('a')}));
		await write(storage, (batch) => {
			storage.events.add(batch, newEvent(storage, {eventId: eventId('old'), anchor: 1, minor: -1}));
			storage.events.add(batch, newEvent(storage, {eventId: eventId('outlier'), outlier: true}));
		});
		t.deepEqual(await found(), {[room]: 1});
		await write(storage, (batch) =>
			storage.rooms.moveHead(batch, {
				roomId: other,
				fromVersion: 0,
				fromExtremities: [],
				root: 0,
				pos: batch.announce({kind: 'state', roomId: other}),
				extremities: [],
				depth: 1,
				notifyCount: 0,
				isPartial: false,
			}),
		);
		t.deepEqual(await found(), {[room]: 1, [other]: 2});
	},
);

onBoth('a receipt never moves back, whatever comes at once', async (t, database) => {
	const storage = await database.open();
	const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
	for (const name of names) await write(storage, (batch) => addLive(storage, batch, {eventId: eventId(name)}));
	const read = (name: string, type = 'm.read', threadId: string | null = null) =>
		write(storage, (batch) => {
			const pos = batch.announce({kind: 'receipt', roomId: room, subject: alice});
			const row = {roomId: room, userId: alice, type, threadId, eventId: eventId(name), ts: 5, data: {}, pos};
			storage.receipts.set(batch, row);
		});
	const at = async () =>
		idsOf((await storage.receipts.listOfUser(room, alice)).toSorted((a, b) => (a.eventId < b.eventId ? -1 : 1))).join(
			'',
		);
	await Promise.all(['c', 'h', 'a', 'e', 'b'].map((name) => read(name)));
	t.is(await at(), '$h');
	await read('h');
	await read('b', 'm.read.private');
	await read('a', 'm.read', 'main');
	t.is(await at(), '$a$b$h');
	// What nobody here knows has no place.
	await read('unknown');
	await read('b');
	t.is(await at(), '$a$b$b');
});
