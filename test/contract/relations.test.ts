import type {EventId, RoomId} from '../../crypto/index.ts';
import {DuplicateError, type NewEvent, type Storage} from '../../storage/index.ts';
import {onBoth} from './databases.ts';
import {addLive, alice, bob, eventId, newEvent, room, write} from './rows.ts';

const root = eventId('root');
const idsOf = (events: readonly {eventId: EventId}[]) => events.map((event) => event.eventId).join('');

/** Adds a live event that relates to the root. */
async function relate(storage: Storage, name: string, having: Partial<NewEvent> = {}): Promise<NewEvent> {
	let event: NewEvent | undefined;
	await write(storage, (batch) => {
		event = addLive(storage, batch, {eventId: eventId(name), relatesTo: root, relType: 'm.thread', ...having});
	});
	return event!;
}

onBoth('children are counted by sender and listed in the order of places', async (t, database) => {
	const storage = await database.open();
	const {relations} = storage;
	await relate(storage, 't1');
	await relate(storage, 't2', {sender: bob});
	const redacted = await relate(storage, 't3', {sender: bob});
	await relate(storage, 'edit', {relType: 'm.replace'});
	await relate(storage, 'other', {relatesTo: eventId('other-root'), relType: 'm.reference'});
	await relate(storage, 'elsewhere', {roomId: '!other:a.example' as RoomId});
	await write(storage, (batch) =>
		storage.events.add(batch, newEvent(storage, {eventId: eventId('lost'), relatesTo: root, relType: 'm.thread'})),
	);
	await write(storage, (batch) =>
		storage.events.add(
			batch,
			newEvent(storage, {eventId: eventId('old'), relatesTo: root, relType: 'm.thread', anchor: 2, minor: -1}),
		),
	);
	const list = async (query: object = {}) =>
		idsOf(
			await relations.listChildren({
				roomId: room,
				eventId: root,
				relType: 'm.thread',
				direction: 'forwards',
				limit: 9,
				...query,
			}),
		);
	t.is(await list(), '$t1$old$t2$t3');
	await write(storage, (batch) => storage.events.setRedactedBy(batch, redacted.nid, 1));
	t.is(await list(), '$t1$old$t2');
	t.is(await list({direction: 'backwards', limit: 2}), '$t2$old');
	t.is(await list({sender: alice}), '$t1$old');
	t.is(await list({relType: 'm.replace'}), '$edit');
	const counts = await relations.countChildren(room, [root, eventId('other-root')], ['m.thread', 'm.reference']);
	t.deepEqual(counts.map((it) => `${it.relatesTo} ${it.relType} ${it.sender} ${it.count}`).toSorted(), [
		`$other-root m.reference ${alice} 1`,
		`$root m.thread ${alice} 2`,
		`$root m.thread ${bob} 1`,
	]);
	t.deepEqual(await relations.countChildren(room, [], ['m.thread']), []);
});

onBoth('what relates to any of some events is listed, without redactions', async (t, database) => {
	const storage = await database.open();
	await relate(storage, 'reply');
	await relate(storage, 'edit', {relatesTo: eventId('reply'), relType: 'm.replace', type: 'm.sticker'});
	await relate(storage, 'redaction', {relType: 'm.room.redaction'});
	const list = async (query: object = {}) =>
		idsOf(await storage.relations.listRelated({roomId: room, eventIds: [root, eventId('reply')], ...query}));
	t.is(await list(), '$edit$reply');
	t.is(await list({relType: 'm.thread'}), '$reply');
	t.is(await list({type: 'm.sticker'}), '$edit');
	t.is(await list({type: 'm.sticker', relType: 'm.thread'}), '');
	t.is(await list({relType: 'm.room.redaction'}), '');
});

onBoth('threads are listed by their newest event, also when that is redacted', async (t, database) => {
	const storage = await database.open();
	const list = async (page: object = {}) =>
		(await storage.relations.listThreads(room, {limit: 9, ...page})).map(
			({root: of, latest}) => `${of} ${latest.anchor}`,
		);
	const first = await relate(storage, 'a1', {relatesTo: eventId('a')});
	await relate(storage, 'b1', {relatesTo: eventId('b')});
	const third = await relate(storage, 'a2', {relatesTo: eventId('a')});
	t.deepEqual(await list(), ['$a 3', '$b 2']);
	t.deepEqual(await list({limit: 1}), ['$a 3']);
	t.deepEqual(await list({before: {anchor: 3, minor: 0}}), ['$b 2']);
	// What is fetched for the past makes no thread newer.
	await write(storage, (batch) => {
		const old = {eventId: eventId('a0'), relatesTo: eventId('a'), relType: 'm.thread', anchor: 1, minor: -1};
		storage.events.add(batch, newEvent(storage, old));
	});
	t.deepEqual(await list(), ['$a 3', '$b 2']);
	await write(storage, (batch) => storage.events.setRedactedBy(batch, third.nid, 1));
	t.deepEqual(await list(), ['$b 2', '$a 1']);
	await write(storage, (batch) => storage.events.setRedactedBy(batch, first.nid, 1));
	t.deepEqual(await list(), ['$b 2', '$a 1']);
	t.is((await storage.relations.listThreads(room, {limit: 9})).at(-1)?.latest.minor, -1);
	await write(storage, (batch) => storage.rooms.remove(batch, room));
	t.deepEqual(await list(), []);
});

onBoth(
	'a redacted event relates to nothing, but a redaction that is redacted names its event still',
	async (t, database) => {
		const storage = await database.open();
		const edit = await relate(storage, 'edit', {relType: 'm.replace'});
		const redaction = await relate(storage, 'redaction', {relType: 'm.room.redaction'});
		await write(storage, (batch) => {
			storage.events.setRedactedBy(batch, edit.nid, redaction.nid);
			storage.events.setRedactedBy(batch, redaction.nid, edit.nid);
		});
		t.like(await storage.events.findById(eventId('edit')), {relatesTo: null, relType: null, redactedBy: redaction.nid});
		t.like(await storage.events.findById(eventId('redaction')), {relatesTo: root, redactedBy: edit.nid});
		await write(storage, (batch) => storage.events.setRedactedBy(batch, redaction.nid, redaction.nid));
		t.like(await storage.events.findById(eventId('redaction')), {redactedBy: edit.nid});
	},
);

onBoth('an annotation stands once, until it is redacted', async (t, database) => {
	const storage = await database.open();
	const {relations} = storage;
	const annotation = {roomId: room, digest: 'thumbs-up', eventId: eventId('like')};
	const {nid} = await relate(storage, 'like', {relType: 'm.annotation'});
	await write(storage, (batch) => relations.addAnnotation(batch, annotation));
	t.is(await relations.findAnnotation(room, 'thumbs-up'), eventId('like'));
	const again = storage.batch();
	relations.addAnnotation(again, {...annotation, eventId: eventId('like2')});
	t.is((await t.throwsAsync(storage.commit(again), {instanceOf: DuplicateError}))?.table, 'annotations');
	await write(storage, (batch) => storage.events.setRedactedBy(batch, nid, 1));
	t.is(await relations.findAnnotation(room, 'thumbs-up'), undefined);
	await write(storage, (batch) => relations.addAnnotation(batch, {...annotation, eventId: eventId('like2')}));
});
