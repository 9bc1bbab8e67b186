import {breathe, isJsonObject, type JsonObject, type RoomId} from '../../crypto/index.ts';
import type {RoomFigures, RoomRow} from '../../storage/index.ts';
import type {AdministrationDependencies} from './context.ts';

/** A room as administrators list it. What a room does not say is `null`. */
export interface RoomFacts extends RoomFigures {
	readonly roomId: RoomId;
	readonly version: string;
	readonly creator: string | null;
	readonly isPublished: boolean;
	readonly name: string | null;
	readonly canonicalAlias: string | null;
	readonly encryption: string | null;
	readonly isFederated: boolean;
	readonly joinRule: string | null;
	readonly guestAccess: string | null;
	readonly historyVisibility: string | null;
	readonly roomType: string | null;
}

/** Entries of the state that say something of a room, and what of each. */
const told = {
	'm.room.name': 'name',
	'm.room.canonical_alias': 'alias',
	'm.room.encryption': 'algorithm',
	'm.room.join_rules': 'join_rule',
	'm.room.guest_access': 'guest_access',
	'm.room.history_visibility': 'history_visibility',
} as const;

const noFigures: RoomFigures = {joinedMembers: 0, joinedLocalMembers: 0, stateEvents: 0};

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/** The content of each room's entry of one type. */
async function readContents(
	{storage}: Pick<AdministrationDependencies, 'storage'>,
	roomIds: readonly RoomId[],
	type: string,
): Promise<Map<RoomId, JsonObject & {readonly sender?: unknown}>> {
	const rows = await storage.rooms.listStateOfRooms(roomIds, {type, like: '%'});
	const contents = new Map<RoomId, JsonObject>();
	for (const {roomId, json, sender} of rows) {
		const event = JSON.parse(json) as {readonly content?: unknown};
		if (isJsonObject(event.content)) contents.set(roomId, {...event.content, sender});
	}
	return contents;
}

/** Gives what rooms say of themselves now, and counts what is in them. */
export async function describeRooms(
	dependencies: Pick<AdministrationDependencies, 'storage'>,
	rows: readonly RoomRow[],
): Promise<RoomFacts[]> {
	const roomIds = rows.map(({roomId}) => roomId);
	const figures = await dependencies.storage.rooms.findFigures(roomIds);
	const created = await readContents(dependencies, roomIds, 'm.room.create');
	const states = new Map<string, Map<RoomId, JsonObject>>();
	for (const type of Object.keys(told)) {
		states.set(type, await readContents(dependencies, roomIds, type));
		// Reads of SQLite are done when they are asked for, so that a loop of them never waits.
		await breathe();
	}
	const say = (type: keyof typeof told, roomId: RoomId) => textOf(states.get(type)?.get(roomId)?.[told[type]]);
	return rows.map(({roomId, version, creator, isPublished}) => {
		const create = created.get(roomId);
		return {
			roomId,
			version,
			creator: creator ?? textOf(create?.sender),
			isPublished,
			...(figures.get(roomId) ?? noFigures),
			name: say('m.room.name', roomId),
			canonicalAlias: say('m.room.canonical_alias', roomId),
			encryption: say('m.room.encryption', roomId),
			isFederated: create?.['m.federate'] !== false,
			joinRule: say('m.room.join_rules', roomId),
			guestAccess: say('m.room.guest_access', roomId),
			historyVisibility: say('m.room.history_visibility', roomId),
			roomType: textOf(create?.['type']),
		};
	});
}
