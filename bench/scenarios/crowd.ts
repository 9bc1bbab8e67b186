/** What a crowd costs: a message to a room of many members of this server, measured beside one to a room of two. */
import {type Figures, Stopwatch} from '../measure.ts';
import {createRoom, type Device, registerUsers, sendMessage} from '../population.ts';
import type {Bench, Scenario} from '../scenario.ts';

const MEMBERS = 2_000;
const WARM_UP = 100;
const CLIENT = '/_matrix/client/v3';

/** Gives everybody a pusher, and a rule that keeps the room silent: rules are run for all, and no gateway is measured. */
async function silence({client}: Bench, members: readonly Device[], roomId: string): Promise<void> {
	for (const {token, userId} of members) {
		await client.call('POST', `${CLIENT}/pushers/set`, token, {
			app_display_name: 'Bench',
			app_id: 'bench',
			data: {url: 'https://127.0.0.1:9/_matrix/push/v1/notify'},
			device_display_name: 'Bench',
			kind: 'http',
			lang: 'en',
			pushkey: userId,
		});
		const rule = `${CLIENT}/pushrules/global/room/${encodeURIComponent(roomId)}`;
		await client.call('PUT', rule, token, {actions: []});
	}
}

/** One message at a time, first to the small room and then to the large one; the ratio of the two rows is what counts. */
export const crowd: Scenario = {
	id: 'crowd',
	about: `one message at a time to a room of 2 members, then to one of ${MEMBERS} with pushers; an operation is one send`,
	needsServer: true,
	async run(bench): Promise<Figures[]> {
		const members = await registerUsers(bench, MEMBERS);
		const [sender, ...others] = members;
		if (sender === undefined) throw new Error('expected a sender');
		const rows: Figures[] = [];
		for (const count of [2, MEMBERS]) {
			const inRoom = others.slice(0, count - 1);
			const roomId = await createRoom(bench.client, sender, inRoom);
			await silence(bench, inRoom, roomId);
			for (let sent = 0; sent < WARM_UP; sent += 1) await sendMessage(bench.client, sender, roomId, `warm-${sent}.`);
			const watch = new Stopwatch(`crowd of ${count}`, bench.operationsMax, bench.pids);
			for (let sent = 0; sent < bench.operationsMax && watch.elapsedMs < bench.secondsMax * 1_000; sent += 1) {
				const begun = performance.now();
				await sendMessage(bench.client, sender, roomId, `crowd-${sent}.`);
				watch.add(performance.now() - begun);
			}
			rows.push(watch.read());
		}
		return rows;
	},
};
