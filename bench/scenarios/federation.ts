/** Delivery to a partner server over TLS. */
import {REGISTRATION_SHARED_SECRET, startServers} from '../../test/harness/index.ts';
import {LoadClient} from '../load-client.ts';
import {type Figures, measureLoop} from '../measure.ts';
import {createRoom, type Device, registerUsers, sendMessage, sync} from '../population.ts';
import type {Bench, Scenario} from '../scenario.ts';

const WAIT_MS = 30_000;
/**
 * So many messages may be on their way: one tells what a single message costs and how long it takes, several are enough
 * that transactions carry more than one, as between busy servers.
 */
const ON_THE_WAY = [16, 1] as const;
const ON_THE_WAY_MAX = Math.max(...ON_THE_WAY);
/** A message that has not come by then is a failure. */
const ARRIVES_WITHIN_MS = 15_000;

/** One of the two servers. */
interface Side {
	readonly url: string;
	readonly pid: number | undefined;
	readonly sharedSecret: string | undefined;
}

/**
 * A message is delivered when a member on the other server has it from /sync; the price is both servers', the sender's
 * first where it is told for each.
 */
export const federation: Scenario = {
	id: 'federation',
	about: 'delivery to another server over TLS, from send to the other side’s /sync',
	needsServer: false,
	findObstacle: ({isExternal, partnerUrl}) =>
		isExternal && partnerUrl === undefined ? 'no --partner-url that federates with --url' : undefined,
	async run(bench) {
		const {url, sharedSecret, pids, partnerUrl, partnerPid} = bench;
		if (partnerUrl !== undefined) {
			const here = {url, pid: pids[0], sharedSecret};
			return await measureDelivery(bench, here, {url: partnerUrl, pid: partnerPid, sharedSecret});
		}
		await using servers = await startServers(2);
		const [here, there] = servers.list.map((server) => ({
			url: server.url,
			pid: server.pid,
			sharedSecret: REGISTRATION_SHARED_SECRET,
		}));
		if (here === undefined || there === undefined) throw new Error('expected two servers');
		return await measureDelivery(bench, here, there);
	},
};

async function measureDelivery(bench: Bench, here: Side, there: Side): Promise<Figures[]> {
	await using client = new LoadClient(here.url, ON_THE_WAY_MAX);
	await using partner = new LoadClient(there.url, 4);
	const [sender] = await registerUsers({client, sharedSecret: here.sharedSecret}, 1);
	const [receiver] = await registerUsers({client: partner, sharedSecret: there.sharedSecret}, 1);
	if (sender === undefined || receiver === undefined) throw new Error('expected two accounts');
	const roomId = await createRoom(client, sender, []);
	const via = encodeURIComponent(sender.userId.slice(sender.userId.indexOf(':') + 1));
	const join = `/_matrix/client/v3/join/${encodeURIComponent(roomId)}?server_name=${via}&via=${via}`;
	await partner.call('POST', join, receiver.token, {});

	const inbox = new Inbox(partner, receiver, roomId);
	const listening = inbox.listen();
	const operationsMax = Math.min(bench.operationsMax, 2_000);
	const figures: Figures[] = [];
	for (const onTheWay of ON_THE_WAY) {
		figures.push(
			await measureLoop({
				title: `federation, ${onTheWay} on the way`,
				pids: [here.pid, there.pid].filter((pid) => pid !== undefined),
				operationsMax,
				secondsMax: bench.secondsMax,
				workers: onTheWay,
				// Compiled once, a server runs for weeks: as much is sent before as is measured.
				warmUp: operationsMax,
				async operate(_, index) {
					const mark = `mark-${onTheWay}-${index}`;
					const arrival = inbox.expect(mark);
					await sendMessage(client, sender, roomId, mark);
					await arrival;
				},
			}),
		);
	}
	inbox.close();
	await sendMessage(client, sender, roomId, 'end');
	await listening;
	return figures;
}

/** A member's device on the other server, and whoever waits for a message to come there. */
class Inbox {
	readonly #client: LoadClient;
	readonly #device: Device;
	readonly #roomId: string;
	readonly #waiting = new Map<string, () => void>();
	#isOpen = true;

	constructor(client: LoadClient, device: Device, roomId: string) {
		this.#client = client;
		this.#device = device;
		this.#roomId = roomId;
	}

	/** Resolves when the message that ends in the word `mark` has come. */
	expect(mark: string): Promise<void> {
		return new Promise((resolve, reject) => {
			const late = setTimeout(() => {
				reject(new Error(`expected ${mark} within ${ARRIVES_WITHIN_MS} ms`));
			}, ARRIVES_WITHIN_MS);
			this.#waiting.set(mark, () => {
				clearTimeout(late);
				resolve();
			});
		});
	}

	async listen(): Promise<void> {
		let since: string | undefined;
		while (this.#isOpen) {
			// All that may come at once: what a timeline leaves out would be waited for in vain.
			const answer = await sync(this.#client, this.#device, since, WAIT_MS, 2 * ON_THE_WAY_MAX);
			since = answer.next_batch;
			for (const {content} of answer.rooms?.join?.[this.#roomId]?.timeline?.events ?? []) {
				const mark = content.body?.split(' ').at(-1) ?? '';
				this.#waiting.get(mark)?.();
				this.#waiting.delete(mark);
			}
		}
	}

	/** Ends with the next answer. */
	close(): void {
		this.#isOpen = false;
	}
}
