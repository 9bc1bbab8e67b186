/** What people say and change in a room that two servers share. */
import {randomUUID} from 'node:crypto';
import {bothWays, type Flow} from './flow.ts';
import {roomPath} from './somebody.ts';

const VERSIONS = ['10', '11', '12'];

export const TIMELINE: readonly Flow[] = [
	{
		name: 'messages, redactions and state go both ways',
		versions: VERSIONS,
		async run({host, guest, roomVersion}) {
			const roomId = await host.createRoom(roomVersion);
			await host.bringIn(roomId, guest);
			for (const [one, other] of bothWays({host, guest})) {
				const eventId = await one.send(roomId, `from ${one.userId}`);
				await other.seesEvent(roomId, eventId, ({content}) => content['body'] === `from ${one.userId}`);
				await one.call('PUT', `${roomPath(roomId)}/redact/${encodeURIComponent(eventId)}/${randomUUID()}`, {});
				await other.seesEvent(
					roomId,
					eventId,
					({content, unsigned}) => Boolean(unsigned?.['redacted_because']) && Object.keys(content).length === 0,
				);
			}
			const unkind = await guest.send(roomId, 'something unkind');
			await host.seesEvent(roomId, unkind);
			await host.call('PUT', `${roomPath(roomId)}/redact/${encodeURIComponent(unkind)}/${randomUUID()}`, {});
			await guest.seesEvent(roomId, unkind, ({unsigned}) => Boolean(unsigned?.['redacted_because']));
			await host.setState(roomId, 'm.room.topic', {topic: 'by the host'});
			await guest.seesState(roomId, 'm.room.topic', ({topic}) => topic === 'by the host');
			const denied = await guest.statusOf('PUT', `${roomPath(roomId)}/state/m.room.name/`, {name: 'too early'});
			if (denied !== 403) throw new Error(`expected 403 for a name without the right, got ${denied}`);
			const levels = await host.call('GET', `${roomPath(roomId)}/state/m.room.power_levels/`);
			const users = {...(levels['users'] as Record<string, number>), [guest.userId]: 50};
			await host.setState(roomId, 'm.room.power_levels', {...levels, users});
			await guest.seesState(roomId, 'm.room.power_levels', (content) =>
				Object.hasOwn(content['users'] as object, guest.userId),
			);
			await guest.setState(roomId, 'm.room.name', {name: 'by the guest'});
			await host.seesState(roomId, 'm.room.name', ({name}) => name === 'by the guest');
		},
	},
	{
		name: 'typing and receipts arrive',
		async run({host, guest, roomVersion}) {
			const roomId = await host.createRoom(roomVersion);
			await host.bringIn(roomId, guest);
			for (const [one, other] of bothWays({host, guest})) {
				const hasEphemeral =
					(type: string, isMeant: (content: Readonly<Record<string, unknown>>) => boolean) =>
					(answer: Awaited<ReturnType<typeof one.sync>>): boolean =>
						answer.rooms?.join?.[roomId]?.ephemeral?.events?.some(
							(event) => event.type === type && isMeant(event.content),
						) === true;
				await other.catchUp();
				await one.call('PUT', `${roomPath(roomId)}/typing/${encodeURIComponent(one.userId)}`, {
					typing: true,
					timeout: 20_000,
				});
				await other.follow(
					'typing',
					hasEphemeral('m.typing', ({user_ids: userIds}) => (userIds as string[]).includes(one.userId)),
				);
				const eventId = await other.send(roomId, 'read me');
				await one.seesEvent(roomId, eventId);
				await other.catchUp();
				await one.call('POST', `${roomPath(roomId)}/receipt/m.read/${encodeURIComponent(eventId)}`, {});
				await other.follow(
					'a receipt',
					hasEphemeral('m.receipt', (content) => {
						const readers = (content[eventId] as {'m.read'?: object} | undefined)?.['m.read'];
						return readers !== undefined && Object.hasOwn(readers, one.userId);
					}),
				);
			}
		},
	},
];
