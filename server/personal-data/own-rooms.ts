import type {JsonObject, JsonValue, UserId} from '../../crypto/index.ts';
import type {MembershipRow, TimelinePlace} from '../../storage/index.ts';
import type {Archive} from './archive.ts';
import type {PersonalDataContents, PersonalDataDependencies} from './personal-data.ts';

/** Events of a room read at a time; with the largest events such a page takes some megabytes. */
const EVENTS_PAGE = 200;

/** Writes a list of the rooms that a person is or was in, and of each what the person has sent there. */
export async function writeRooms(
	dependencies: PersonalDataDependencies,
	archive: Archive,
	userId: UserId,
): Promise<Pick<PersonalDataContents, 'rooms' | 'events'>> {
	const {memberships, rooms} = dependencies.storage;
	const all = [...(await memberships.listOfUser(userId)), ...(await memberships.listForgotten(userId, 0))];
	const list: JsonObject[] = [];
	const counts = {events: 0};
	for (const [index, row] of all.entries()) {
		const file = `rooms/${index + 1}.json`;
		const name = await rooms.findCurrentState(row.roomId, 'm.room.name', '');
		// What a room is called now is for those who are in it now.
		const shown = row.membership === 'join' && name !== undefined ? nameOf(name.json) : null;
		list.push({room_id: row.roomId, membership: row.membership, name: shown, file});
		await archive.addText(file, roomText(dependencies, row, counts));
	}
	await archive.addJson('rooms.json', list);
	return {rooms: all.length, events: counts.events};
}

function nameOf(json: string): JsonValue {
	return (JSON.parse(json) as {content?: {name?: JsonValue}}).content?.name ?? null;
}

async function* roomText(
	{storage, engine, events}: PersonalDataDependencies,
	{roomId, userId, membership}: MembershipRow,
	counts: {events: number},
): AsyncIterable<string> {
	const receipts = (await storage.receipts.listOfUser(roomId, userId)).map(({type, threadId, eventId, ts}) => ({
		type,
		event_id: eventId,
		...(threadId !== null && {thread_id: threadId}),
		ts,
	}));
	yield `${JSON.stringify({room_id: roomId, membership, receipts}).slice(0, -1)},"events":[`;
	let from: TimelinePlace | undefined;
	let separator = '';
	for (;;) {
		const rows = await storage.events.listTimeline({roomId, direction: 'forwards', from, limit: EVENTS_PAGE});
		const last = rows.at(-1);
		// What has a place in a timeline has both.
		if (last === undefined || last.anchor === null || last.minor === null) break;
		const own = await engine.readRows(rows.filter(({sender}) => sender === userId));
		for (const text of await events.render({userId}, own, {withoutRelations: true})) {
			yield `${separator}\n${text}`;
			separator = ',';
			counts.events += 1;
		}
		from = {anchor: last.anchor, minor: last.minor};
	}
	yield '\n]}\n';
}
