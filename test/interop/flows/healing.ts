/** What happens when the two servers cannot reach each other for a while. */
import type {Flow} from './flow.ts';
import {roomPath, type Somebody} from './somebody.ts';

/** The room's state as one server has it, one line for each entry. */
export async function describeState(person: Somebody, roomId: string): Promise<string> {
	const state = await person.readState(roomId);
	return state
		.map(({type, state_key: key, event_id: eventId}) => JSON.stringify([type, key, eventId]))
		.toSorted((a, b) => (a < b ? -1 : 1))
		.join('\n');
}

export const HEALING: readonly Flow[] = [
	{
		name: 'a fork made while the servers could not reach each other heals to the same state',
		versions: ['10', '11', '12'],
		async run({host, guest, another, stranger, roomVersion, apart}) {
			const roomId = await host.createRoom(roomVersion, {preset: 'public_chat'});
			for (const person of [guest, another, stranger]) {
				await person.join(roomId, host);
				await host.sees(roomId, person, 'join');
			}
			const levels = await host.call('GET', `${roomPath(roomId)}/state/m.room.power_levels/`);
			const users = {...(levels['users'] as Record<string, number>), [guest.userId]: 90, [stranger.userId]: 50};
			await host.setState(roomId, 'm.room.power_levels', {...levels, users});
			await guest.seesState(roomId, 'm.room.power_levels', (content) =>
				Object.hasOwn(content['users'] as object, stranger.userId),
			);
			const said: string[] = [];
			await apart(async () => {
				for (const [index, person] of [host, guest, stranger, host, guest, stranger].entries()) {
					said.push(await person.send(roomId, `while apart, ${index}`));
				}
				await host.setState(roomId, 'm.room.topic', {topic: 'by the host'});
				await guest.setState(roomId, 'm.room.topic', {topic: 'by the guest'});
				await stranger.setState(roomId, 'm.room.name', {name: 'by somebody who loses the right meanwhile'});
				await host.setState(roomId, 'm.room.power_levels', {
					...levels,
					users: {...users, [stranger.userId]: 0},
				});
				await guest.call('POST', `${roomPath(roomId)}/kick`, {user_id: another.userId});
				await guest.setState(roomId, 'org.example.guest', {is: 'kept'});
			});
			// Each side says something, so that neither has to wait for the other's next attempt.
			const words = [await host.send(roomId, 'together, host'), await guest.send(roomId, 'together, guest')];
			for (const person of [host, guest]) {
				for (const eventId of [...said, ...words]) await person.seesEvent(roomId, eventId);
			}
			let [here, there] = ['', ''];
			await host
				.waitFor('the same state on both sides', async () => {
					[here, there] = [await describeState(host, roomId), await describeState(guest, roomId)];
					return here !== '' && here === there;
				})
				.catch((cause: unknown) => {
					throw new Error(`expected one state, got\n${here}\nand\n${there}`, {cause});
				});
			// And they go on.
			await guest.seesEvent(roomId, await host.send(roomId, 'after it, host'));
			await host.seesEvent(roomId, await guest.send(roomId, 'after it, guest'));
		},
	},
];
