import type {NewEvent} from '../../storage/index.ts';
import {onBoth} from './databases.ts';
import {addLive, eventId, newEvent, room, write} from './rows.ts';

onBoth('gaps are found from a place and by what they wait for', async (t, database) => {
	const storage = await database.open();
	const events: NewEvent[] = [];
	for (const name of ['a', 'b']) {
		await write(storage, (batch) => {
			const live = addLive(storage, batch, {eventId: eventId(name)});
			events.push(live);
			storage.events.addGap(batch, room, live.nid, [eventId(`${name}1`), eventId(`${name}2`)]);
		});
	}
	const near = async (anchor: number) =>
		(await storage.events.listGaps(room, {anchor, minor: 0}, 9)).map(({missing}) => missing).join('');
	t.is(await near(2), '$b1$b2$a1$a2');
	t.is(await near(1), '$a1$a2');
	t.deepEqual(await storage.events.listGapsWaitingFor([eventId('a2'), eventId('zz')]), [
		{roomId: room, eventNid: events[0]!.nid, missing: eventId('a2'), anchor: 1, minor: 0},
	]);
	const nids = events.map(({nid}) => nid);
	t.deepEqual(new Set(await storage.events.listAfterGaps(nids)), new Set(nids));
	await write(storage, (batch) => {
		storage.events.removeGap(batch, events[0]!.nid, [eventId('a1')]);
		storage.events.removeGap(batch, events[1]!.nid);
	});
	t.is(await near(2), '$a2');
	t.deepEqual(await storage.events.listAfterGaps(nids), [nids[0]!], 'a gap that held nothing is none');
	await write(storage, (batch) => {
		const [first] = events;
		storage.events.removeGap(batch, first!.nid);
		storage.events.add(batch, {...newEvent(storage, {eventId: eventId('a2')}), anchor: 1, minor: -1});
	});
	t.deepEqual(await storage.events.listAfterGaps(nids), [nids[0]!], 'what was fetched since is not between them');
});
