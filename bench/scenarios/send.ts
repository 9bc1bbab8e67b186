/** Sending messages: how many durable sends, at what price. */
import {type Figures, measureLoop} from '../measure.ts';
import {createRoom, type Device, registerUsers, sendMessage} from '../population.ts';
import type {Bench, Scenario} from '../scenario.ts';

const SENDERS = [1, 16, 64];
const ROOMS = 64;

async function measureSends(bench: Bench, title: string, senders: readonly Device[], rooms: readonly string[]) {
	const {client, pids, operationsMax, secondsMax} = bench;
	return measureLoop({
		title,
		pids,
		operationsMax,
		secondsMax,
		workers: senders.length,
		warmUp: Math.max(senders.length * 2, Math.floor(operationsMax / 10)),
		async operate(worker, index) {
			const sender = senders[worker];
			const roomId = rooms[worker % rooms.length];
			if (sender === undefined || roomId === undefined) throw new Error('expected a sender and a room');
			await sendMessage(client, sender, roomId, `${title.replaceAll(/\W+/g, '-')}-${index}`);
		},
	});
}

/** Several people in one room, each sending when the last message is answered. */
export const send: Scenario = {
	id: 'send',
	about: '1, 16 and 64 senders in one room',
	needsServer: true,
	async run(bench) {
		const counts = bench.senders ?? SENDERS;
		const users = await registerUsers(bench, Math.max(...counts));
		const figures: Figures[] = [];
		for (const count of counts) {
			const senders = users.slice(0, count);
			const [creator, ...others] = senders;
			if (creator === undefined) throw new Error('expected a sender');
			const roomId = await createRoom(bench.client, creator, others);
			figures.push(await measureSends(bench, `send, ${count} senders, 1 room`, senders, [roomId]));
		}
		return figures;
	},
};

/** As many rooms as senders: nothing is ordered against anything else. */
export const sendRooms: Scenario = {
	id: 'send-rooms',
	about: '64 senders in 64 rooms',
	needsServer: true,
	async run(bench) {
		const users = await registerUsers(bench, ROOMS);
		const rooms: string[] = [];
		for (const user of users) rooms.push(await createRoom(bench.client, user, []));
		return [await measureSends(bench, `send, ${ROOMS} senders, ${ROOMS} rooms`, users, rooms)];
	},
};
