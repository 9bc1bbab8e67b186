/** Delivery to many: a room whose members all wait in /sync. */
import {LoadClient} from '../load-client.ts';
import {Stopwatch} from '../measure.ts';
import {createRoom, type Device, registerUsers, sendMessage, sync} from '../population.ts';
import type {Scenario} from '../scenario.ts';

const MEMBERS = 100;
const WAIT_MS = 30_000;
/**
 * What compiling the server's code costs is counted in no delivery: a server runs for weeks, and of 4,000 deliveries
 * to a process that has just begun it is half the cost.
 */
const WARM_UP_MESSAGES = 60;

/** A member who waits in /sync, and says so when a message has come. */
class Listener {
	readonly #device: Device;
	#since: string;

	constructor(device: Device, since: string) {
		this.#device = device;
		this.#since = since;
	}

	/** Resolves when `/sync` has shown the message that ends in `mark` in the room. */
	async hear(client: LoadClient, roomId: string, mark: string): Promise<void> {
		for (;;) {
			const answer = await sync(client, this.#device, this.#since, WAIT_MS);
			this.#since = answer.next_batch;
			const events = answer.rooms?.join?.[roomId]?.timeline?.events ?? [];
			if (events.some((event) => event.content.body?.endsWith(mark) === true)) return;
		}
	}
}

/** One message at a time; a delivery is one member's /sync that shows it, and lasts from the send's first byte. */
export const fanOut: Scenario = {
	id: 'fan-out',
	about: `one message at a time to a room of ${MEMBERS} members who wait in /sync; an operation is one delivery`,
	needsServer: true,
	async run(bench) {
		const members = await registerUsers(bench, MEMBERS);
		const [sender, ...others] = members;
		if (sender === undefined) throw new Error('expected a sender');
		const roomId = await createRoom(bench.client, sender, others);
		// Every member holds a connection of its own, as real clients do.
		await using waiting = new LoadClient(bench.url, MEMBERS);
		const listeners: Listener[] = [];
		for (const member of members) {
			listeners.push(new Listener(member, (await sync(waiting, member, undefined)).next_batch));
		}
		const deliver = async (mark: string, watch: Stopwatch | undefined) => {
			const heard = listeners.map((listener) => listener.hear(waiting, roomId, mark));
			const begun = performance.now();
			const times = heard.map(async (hearing) => {
				await hearing;
				watch?.add(performance.now() - begun);
			});
			await sendMessage(bench.client, sender, roomId, mark);
			await Promise.all(times);
		};
		const messages = Math.max(1, Math.floor(bench.operationsMax / MEMBERS));
		for (let index = 0; index < Math.min(messages, WARM_UP_MESSAGES); index += 1) {
			await deliver(`warm-${index}.`, undefined);
		}
		const watch = new Stopwatch(`fan-out to ${MEMBERS}`, messages * MEMBERS, bench.pids);
		for (let index = 0; index < messages && watch.elapsedMs < bench.secondsMax * 1_000; index += 1) {
			await deliver(`fan-${index}.`, watch);
		}
		return [watch.read()];
	},
};
