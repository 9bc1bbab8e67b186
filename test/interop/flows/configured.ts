/** What our servers do with others only where they are configured to. */
import {randomUUID} from 'node:crypto';
import type {ServerProcess} from '../../harness/index.ts';
import {bothWays, type Flow} from './flow.ts';
import {describeState} from './healing.ts';

/** The configuration of a server of ours that these flows are gone through with. */
export const CONFIGURATION: Readonly<Record<string, unknown>> = {
	presence: 'federated',
	federation: {fast_joins: true},
};

/** How many rooms a server has learned the members of after it had entered them without. */
async function countCompleted(server: ServerProcess): Promise<number> {
	if (server.isForeign) return server.readLog().match(/State resync complete for !/g)?.length ?? 0;
	const metrics = await (await fetch(`${server.url}/metrics`)).text();
	return Number(/^broadsheet_job_items_total\{job="complete-room"\} (\d+)/m.exec(metrics)?.[1] ?? 0);
}

export const CONFIGURED: readonly Flow[] = [
	{
		name: 'presence is told to those who share a room',
		async run({host, guest, roomVersion}) {
			const roomId = await host.createRoom(roomVersion);
			await host.bringIn(roomId, guest);
			for (const [one, other] of bothWays({host, guest})) {
				const path = `/v3/presence/${encodeURIComponent(one.userId)}/status`;
				await other.catchUp();
				for (const presence of ['online', 'unavailable']) {
					const words = `at work, ${randomUUID()}`;
					await one.call('PUT', path, {presence, status_msg: words});
					await other.follow(
						`presence ${presence}`,
						({presence: list}) =>
							list?.events?.some(
								({sender, content}) =>
									sender === one.userId && content['presence'] === presence && content['status_msg'] === words,
							) === true,
					);
					const status = await other.call('GET', path);
					if (status['presence'] !== presence || status['status_msg'] !== words)
						throw new Error(`expected ${presence} and ${words}, got ${JSON.stringify(status)}`);
				}
			}
		},
	},
	{
		name: 'a room is entered before its members are known, and used at once',
		versions: ['10', '11', '12'],
		async run({host, another, guest, stranger, roomVersion}) {
			const roomId = await host.createRoom(roomVersion, {preset: 'public_chat'});
			await another.join(roomId, host);
			const completed = await countCompleted(guest.server);
			await guest.join(roomId, host);
			const word = await guest.send(roomId, 'at once');
			const answer = await another.send(roomId, 'from somebody who may not be known there yet');
			await host.seesEvent(roomId, word);
			await guest.seesEvent(roomId, answer);
			await stranger.join(roomId, host);
			await host.sees(roomId, stranger, 'join');
			await guest.waitFor('the room complete', async () => (await countCompleted(guest.server)) > completed);
			await guest.sees(roomId, another, 'join');
			await guest.waitFor('the state that the host has', async () => {
				const [here, there] = [await describeState(host, roomId), await describeState(guest, roomId)];
				return here !== '' && here === there;
			});
			await host.seesEvent(roomId, await stranger.send(roomId, 'after it, from there'));
			await stranger.seesEvent(roomId, await another.send(roomId, 'after it, from here'));
		},
	},
	{
		name: 'a room that was entered before its members were known is whole after the servers lost each other',
		versions: ['10', '12'],
		async run({host, another, guest, roomVersion, apart}) {
			const roomId = await host.createRoom(roomVersion, {preset: 'public_chat'});
			await another.join(roomId, host);
			await guest.join(roomId, host);
			const said: string[] = [];
			await apart(async () => {
				said.push(await guest.send(roomId, 'while apart, guest'), await host.send(roomId, 'while apart, host'));
				await host.setState(roomId, 'm.room.topic', {topic: 'while apart'});
			});
			said.push(await host.send(roomId, 'together, host'), await guest.send(roomId, 'together, guest'));
			for (const person of [host, guest]) for (const eventId of said) await person.seesEvent(roomId, eventId);
			await guest.sees(roomId, another, 'join');
			await guest.waitFor('the state that the host has', async () => {
				const [here, there] = [await describeState(host, roomId), await describeState(guest, roomId)];
				return here !== '' && here === there;
			});
		},
	},
];
