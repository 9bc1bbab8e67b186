/** How much of the work on the signatures of inbound events is done outside the main thread. */
import {
	type EventId,
	generateSigningKey,
	type RoomId,
	type ServerName,
	type Signer,
	type UserId,
} from '../../crypto/index.ts';
import {createSignatureChecker} from '../../federation/outbound/index.ts';
import {buildPdu, type Pdu, signPdu} from '../../federation/rooms/index.ts';
import {measureLoop} from '../measure.ts';
import {readThreadCpuSeconds} from '../process-meter.ts';
import type {Scenario} from '../scenario.ts';

/** PDUs of one transaction, and all of them. */
const PDUS = 50;
const PDUS_MAX = 10_000;

/** An operation is a transaction of 50 events, checked as the server checks them: together. Its title says the share. */
export const signatures: Scenario = {
	id: 'signatures',
	about: 'signatures of 10,000 inbound events: the share of the work outside the main thread',
	needsServer: false,
	findObstacle: () => (process.platform === 'linux' ? undefined : 'the time of one thread is read from /proc'),
	async run({operationsMax, secondsMax}) {
		const key = generateSigningKey();
		const events = makeEvents(Math.min(operationsMax * PDUS, PDUS_MAX), key);
		const checker = createSignatureChecker({findVerifyKey: () => Promise.resolve(key.publicKey)});
		const before = {main: readMain(), all: readAll()};
		const figures = await measureLoop({
			title: '',
			pids: [process.pid],
			operationsMax: Math.floor(events.length / PDUS),
			secondsMax,
			workers: 1,
			warmUp: 0,
			async operate(_, index) {
				const transaction = events.slice(index * PDUS, (index + 1) * PDUS);
				const verdicts = await Promise.all(transaction.map((pdu) => checker.check(pdu)));
				const wrong = verdicts.find(({allowed}) => !allowed);
				if (wrong) throw new Error('a right signature was refused');
			},
		});
		const [main, all] = [readMain() - before.main, readAll() - before.all];
		const percent = Math.round((1 - main / all) * 100);
		return [{...figures, title: `signatures, ${percent} % outside`}];
	},
};

const readMain = (): number => readThreadCpuSeconds(process.pid, process.pid);

function readAll(): number {
	const {user, system} = process.cpuUsage();
	return (user + system) / 1e6;
}

/** Messages of ordinary length, each on top of the one before. */
function makeEvents(count: number, signer: Signer): Pdu[] {
	const server = 'partner.test' as ServerName;
	const events: Pdu[] = [];
	let last = `$${'A'.repeat(43)}` as EventId;
	for (let index = 0; index < count; index += 1) {
		const parsed = buildPdu({
			roomVersion: '12',
			roomId: `!${'A'.repeat(43)}` as RoomId,
			type: 'm.room.message',
			sender: `@somebody:${server}` as UserId,
			stateKey: undefined,
			content: {msgtype: 'm.text', body: `message ${index} ${'of some length '.repeat(10)}`},
			depth: index + 1,
			originServerTs: 1_700_000_000_000 + index,
			prevEvents: [last],
			authEvents: [last],
		});
		if (!parsed.ok) throw new Error(parsed.fault.reason);
		events.push(signPdu(parsed.pdu, server, signer));
		last = parsed.pdu.eventId;
	}
	return events;
}
