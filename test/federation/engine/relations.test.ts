import test from 'ava';
import type {JsonObject, UserId} from '../../../crypto/index.ts';
import type {CommittedChange} from '../../../storage/index.ts';
import {firstEvents, makeEngine} from '../../harness/engine.ts';

const alice = '@alice:one.test' as UserId;

test('what has the form of a relation is indexed and announced, and nothing else is', async (t) => {
	await using home = await makeEngine();
	const {engine, storage} = home;
	const {roomId} = await engine.createRoom({version: '12', events: firstEvents('12', alice)});
	const heard: CommittedChange[] = [];
	storage.onCommitted((changes) => void heard.push(...changes));
	const send = async (relatesTo: JsonObject[string]) => {
		const event = {type: 'm.room.message', sender: alice, content: {'m.relates_to': relatesTo}};
		const {eventId} = await engine.send({roomId, event});
		const {relatesTo: indexed, relType} = (await storage.events.findById(eventId))!;
		return {eventId, row: [indexed, relType], announced: heard.at(-1)?.extra?.['relates_to']};
	};
	const root = `$${'r'.repeat(43)}`;
	const thread = await send({rel_type: 'm.thread', event_id: root});
	t.deepEqual([...thread.row, thread.announced], [root, 'm.thread', root]);
	const odd: JsonObject[string][] = [
		{rel_type: 'm.thread', event_id: `$${'x'.repeat(40_000)}`},
		{rel_type: 'x'.repeat(40_000), event_id: root},
		{rel_type: 'm.thread', event_id: 'root'},
		{rel_type: 'm.thread'},
		{rel_type: 7, event_id: root},
		{rel_type: 'm.room.redaction', event_id: root},
		{'m.in_reply_to': {event_id: root}},
		[],
		null,
		'm.thread',
	];
	for (const relatesTo of odd) {
		const {row, announced} = await send(relatesTo);
		t.deepEqual([...row, announced], [null, null, undefined], JSON.stringify(relatesTo).slice(0, 60));
	}
	const content = {};
	await engine.send({roomId, event: {type: 'm.room.redaction', sender: alice, content, redacts: thread.eventId}});
	t.is(heard.at(-1)?.extra?.['relates_to'], root);
	t.like(await storage.events.findById(thread.eventId), {relatesTo: null, relType: null});
});
