import {domainOf, isUserId, type RoomId, type UserId} from '../../crypto/index.ts';
import {powerLevelsOf, userLevel} from '../../federation/rooms/index.ts';
import {actorOf, type AdministrationDependencies} from './context.ts';
import {AdministrationError, unknownRoom} from './errors.ts';

/** Levels as a room's power levels hold them; a creator of a newer room is above all of them. */
const LEVEL_MAX = 100;

/**
 * Gives somebody as much power in a room as anybody of this server who is there can give, and invites them where they are
 * not in it and cannot enter by themselves.
 */
export async function makeRoomAdmin(
	{storage, engine, rooms, serverName}: AdministrationDependencies,
	roomId: RoomId,
	userId: UserId,
): Promise<void> {
	const view = await engine.findRoom(roomId);
	if (view === undefined) throw unknownRoom();
	const current = await view.findState('m.room.power_levels', '');
	const levels = powerLevelsOf(await view.findState('m.room.create', ''), current);
	const named = [...levels.creators, ...levels.users.keys()].filter((name) => isUserId(name));
	const able: {readonly userId: UserId; readonly level: number}[] = [];
	for (const name of new Set(named)) {
		if (domainOf(name) !== serverName) continue;
		if ((await storage.memberships.find(roomId, name))?.membership !== 'join') continue;
		able.push({userId: name, level: userLevel(levels, name)});
	}
	const [giver] = able.toSorted((a, b) => b.level - a.level);
	if (giver === undefined) {
		throw new AdministrationError('powerless', 'Nobody of this server in the room has any power to give');
	}
	if (userLevel(levels, userId) < giver.level) {
		const users = {...(current?.content['users'] as object | undefined), [userId]: Math.min(giver.level, LEVEL_MAX)};
		await rooms.setState(actorOf(giver.userId), roomId, {
			type: 'm.room.power_levels',
			stateKey: '',
			content: {...current?.content, users},
		});
	}
	const membership = (await storage.memberships.find(roomId, userId))?.membership;
	if (membership === 'join' || membership === 'invite') return;
	const rules = await view.findState('m.room.join_rules', '');
	if (rules?.content['join_rule'] !== 'public') await rooms.invite(actorOf(giver.userId), roomId, userId);
}
