import {domainOf, type RoomId, type ServerName, type UserId} from '../../crypto/index.ts';
import {BYZANTINE, ByzantineNode} from './byzantine.ts';
import {type Account, findDisagreements, learnFates, listInRoom, takeAccount} from './agreement.ts';
import {BAD_LINE, NO_FAULTS} from './network.ts';
import {actorOf, People, VERSIONS} from './people.ts';
import {ServerNode} from './server-node.ts';
import type {Simulation} from './simulation.ts';
import {COMPLETE_ROOM} from '../../federation/outbound/index.ts';

const NAMES = ['a.example', 'b.example', 'c.example'] as ServerName[];
const USERS_PER_SERVER = 2;
/** Ends of the graph that a new event names: those that came last. */
const ENDS_NAMED = 10;
/** Rounds of trouble in one run; in each, some people do something. */
const ROUNDS = 30;
/** Retries wait for up to six hours after a long failure; nobody fails for that long here. */
const QUIET_WITHIN_MS = 6 * 3_600_000;
/** How often a commit fails while there is trouble. */
const DISK_ERROR_RATE = 0.01;
/** What a liar never makes good is asked for during hours, in which there is nothing else to look for. */
const LOOK_SELDOM_MS = 20_000;
/** How often whoever lies does something, for each thing that people do. */
const ATTACK_RATE = 0.5;

/** Where servers enter rooms before they know who is there, so many of their joins do; the others are as ever. */
const FAST_JOIN_RATE = 0.8;
/** How often is looked whether rooms are complete: asking goes on after half an hour at most. */
const COMPLETE_LOOK_MS = 60_000;

/** What a run came to, for those who want figures. */
export interface Outcome {
	readonly rooms: number;
	readonly events: number;
	readonly softFailed: number;
	readonly acknowledged: number;
	/** Rooms that were completed after they had been entered before their members were known. */
	readonly completed: number;
	/** Events that came while a room was not complete. */
	readonly judgedAnew: number;
	readonly problems: readonly string[];
}

/** Three servers go through bad weather together, and must agree when it is over. */
export async function converge(
	simulation: Simulation,
	{isByzantine = false, joinsFast = false}: {readonly isByzantine?: boolean; readonly joinsFast?: boolean} = {},
): Promise<Outcome> {
	const options = {
		lookEveryMs: isByzantine ? LOOK_SELDOM_MS : undefined,
		fastJoinRate: joinsFast ? FAST_JOIN_RATE : undefined,
	};
	const nodes = NAMES.map((name) => new ServerNode(simulation, name, options));
	for (const node of nodes) await simulation.addNode(node.name, node.boot);
	const byzantine = isByzantine ? new ByzantineNode(simulation, BYZANTINE) : undefined;
	if (byzantine) await simulation.addNode(byzantine.name, byzantine.boot);
	const people = new People(simulation, nodes, {usersPerServer: USERS_PER_SERVER, areRestless: joinsFast});
	await meet(simulation, nodes, people, joinsFast);
	byzantineEnters(byzantine, people);
	await settle(simulation, nodes, people);
	await trouble(simulation, nodes, people, byzantine);
	await settle(simulation, nodes, people);
	await speakInTurn(simulation, nodes, people);
	const outcome = await judge(simulation, nodes, people);
	// What is only in memory must be what the disk says.
	for (const {name} of nodes) await simulation.crash(name);
	for (const {name} of nodes) await simulation.start(name);
	await settle(simulation, nodes, people);
	const again = await judge(simulation, nodes, people);
	for (const {name} of nodes) await simulation.crash(name);
	for (const node of nodes) node.close();
	const problems = [...outcome.problems, ...again.problems.filter((problem) => !outcome.problems.includes(problem))];
	return {...outcome, problems};
}

/** While all is well, the servers come to know each other: in a room of each version. */
async function meet(
	simulation: Simulation,
	nodes: readonly ServerNode[],
	people: People,
	onlyFirst: boolean,
): Promise<void> {
	await settle(simulation, nodes, people);
	for (const [index, version] of VERSIONS.entries()) {
		const {name} = nodes[index % nodes.length] as ServerNode;
		people.create(actorOf(`@u0:${name}` as UserId), version, 'public_chat');
	}
	await settle(simulation, nodes, people);
	people.joinAll({onlyFirst});
	await settle(simulation, nodes, people);
}

/** Whoever lies is in every room that lets it in. */
function byzantineEnters(byzantine: ByzantineNode | undefined, people: People): void {
	for (const roomId of people.roomIds) byzantine?.enter(roomId, byzantine.random.pick(NAMES));
}

async function trouble(
	simulation: Simulation,
	nodes: readonly ServerNode[],
	people: People,
	byzantine: ByzantineNode | undefined,
): Promise<void> {
	const {random} = simulation;
	simulation.network.setFaults(BAD_LINE);
	for (const node of nodes) node.diskErrorRate = DISK_ERROR_RATE;
	for (let round = 0; round < ROUNDS; round++) {
		if (random.chance(0.12)) simulation.network.partition([[random.pick(NAMES)]]);
		if (random.chance(0.05)) simulation.network.partition(NAMES.map((name) => [name]));
		if (random.chance(0.25)) simulation.network.heal();
		for (const {name} of nodes) {
			if (simulation.isUp(name) ? random.chance(0.06) : random.chance(0.5)) {
				await (simulation.isUp(name) ? simulation.crash(name) : simulation.start(name));
			}
		}
		const deeds = 1 + random.below(6);
		for (let deed = 0; deed < deeds; deed++) {
			people.act();
			if (byzantine?.random.chance(ATTACK_RATE) === true) byzantine.attack(NAMES);
			await simulation.runFor(random.below(random.chance(0.5) ? 20 : 1_500));
		}
		if (random.chance(0.3)) people.retry();
		byzantineEnters(byzantine, people);
	}
	simulation.network.heal();
	simulation.network.setFaults(NO_FAULTS);
	for (const node of nodes) node.diskErrorRate = 0;
	for (const {name} of nodes) if (!simulation.isUp(name)) await simulation.start(name);
}

/** Waits until nothing is under way any more. */
async function settle(simulation: Simulation, nodes: readonly ServerNode[], people: People): Promise<void> {
	const isQuiet = (): boolean =>
		people.isQuiet &&
		nodes.every(
			({readyLife}) => readyLife && readyLife.sender.figures().active === 0 && readyLife.staging.waiting === 0,
		);
	const looked = Math.max(...nodes.map(({lookEveryMs}) => 2.5 * lookEveryMs));
	await simulation.runFor(looked);
	people.retry();
	await simulation.runUntil('nothing is under way', isQuiet, QUIET_WITHIN_MS);
	// What was written without its process hearing of it is found by looking.
	await simulation.runFor(looked);
	await simulation.runUntil('nothing is under way', isQuiet, QUIET_WITHIN_MS);
	for (let waitedMs = 0; waitedMs < QUIET_WITHIN_MS && (await isAskingForMembers(nodes)); ) {
		await simulation.runFor(COMPLETE_LOOK_MS);
		waitedMs += COMPLETE_LOOK_MS;
		await simulation.runUntil('nothing is under way', isQuiet, QUIET_WITHIN_MS);
	}
}

/** Whether a server will ask who is in a room of it. */
async function isAskingForMembers(nodes: readonly ServerNode[]): Promise<boolean> {
	const due = await Promise.all(nodes.map(({life}) => life.storage.jobs.findNextDue([COMPLETE_ROOM])));
	return due.some((dueTs) => dueTs !== undefined);
}

/**
 * On each server one person after the other says something in each room: what it names as its past reaches everybody.
 * Of somebody whom others take to be out they believe nothing, and nothing that is built on it, until somebody else speaks.
 */
async function speakInTurn(simulation: Simulation, nodes: readonly ServerNode[], people: People): Promise<void> {
	for (let round = 0; round < USERS_PER_SERVER; round++) {
		for (const node of nodes) {
			for (const roomId of people.roomIds) {
				// Not in the order of what changed last: each is to have a turn.
				const speakers = (await node.life.storage.memberships.listLocalJoined(roomId)).toSorted();
				const speaker = speakers[round % speakers.length];
				if (speaker === undefined) continue;
				people.send(people.write(speaker, roomId));
				// What no event names yet, the others may not have heard of.
				const ends = (await node.life.engine.findRoom(roomId))?.extremities.length ?? 0;
				for (let more = ends; more > ENDS_NAMED; more -= ENDS_NAMED - 1) {
					await settle(simulation, nodes, people);
					people.send(people.write(speaker, roomId));
				}
			}
			await settle(simulation, nodes, people);
		}
	}
}

async function judge(simulation: Simulation, nodes: readonly ServerNode[], people: People): Promise<Outcome> {
	const problems: string[] = people.surprises.map((error) => `surprise: ${(error as Error).stack ?? String(error)}`);
	let [events, softFailed] = [0, 0];
	const accounts = new Map<RoomId, Account[]>();
	for (const roomId of people.roomIds) {
		const everybody: Account[] = [];
		for (const node of nodes) everybody.push(await takeAccount(node, roomId));
		const pdus = new Map(everybody.flatMap((account) => [...account.pdus]));
		const ofRoom: Account[] = [];
		for (const node of await listInRoom(nodes, roomId)) {
			const account = everybody.find(({server}) => server === node.name) as Account;
			ofRoom.push(await learnFates(node, account, pdus.keys()));
		}
		accounts.set(roomId, ofRoom);
		problems.push(...findDisagreements(roomId, ofRoom, pdus));
		for (const {known} of ofRoom) {
			events += known.size;
			softFailed += [...known.values()].filter((fate) => fate === 'soft-failed').length;
		}
	}
	problems.push(...(await findLost(people)), ...(await findUnfinished(nodes, people.roomIds)));
	for (const problem of problems) simulation.note(`PROBLEM ${problem}`);
	const acknowledged = people.messages.filter(({eventId}) => eventId !== undefined).length;
	const completed = nodes.reduce((sum, node) => sum + node.completed, 0);
	const judgedAnew = nodes.reduce((sum, node) => sum + node.judgedAnew, 0);
	return {rooms: accounts.size, events, softFailed, acknowledged, completed, judgedAnew, problems};
}

/** Whatever a server said it has done is on its disk, and once only. */
async function findLost(people: People): Promise<string[]> {
	const problems: string[] = [];
	const bodies = new Map<string, number>();
	for (const roomId of people.roomIds) {
		for (const server of new Set(people.messages.map(({sender}) => people.nodeOf(sender)))) {
			const {storage, engine} = server.life;
			const rows = await storage.events.listTimeline({roomId, direction: 'forwards', limit: 10_000});
			for (const {pdu} of await engine.readRows(rows)) {
				const key = `${server.name} ${pdu.content['body'] as string}`;
				// Whoever lies may say the same as often as it likes.
				if (pdu.type === 'm.room.message' && domainOf(pdu.sender) !== BYZANTINE)
					bodies.set(key, (bodies.get(key) ?? 0) + 1);
			}
		}
	}
	for (const [key, count] of bodies) if (count > 1) problems.push(`${count} times the same message: ${key}`);
	for (const {sender, body, eventId} of people.messages) {
		const server = people.nodeOf(sender);
		if (eventId !== undefined && !bodies.has(`${server.name} ${body}`))
			problems.push(`lost: ${sender} ${body} ${eventId}`);
	}
	for (const {server, eventId} of people.deeds) {
		const stored = await server.life.engine.findEvent(eventId);
		if (!stored || stored.row.rejected !== null || stored.row.outlier) problems.push(`lost: ${server.name} ${eventId}`);
	}
	return problems;
}

/** Nothing waits in any table. */
async function findUnfinished(nodes: readonly ServerNode[], roomIds: readonly RoomId[]): Promise<string[]> {
	const problems: string[] = [];
	for (const {name, life} of nodes) {
		const staged = await life.storage.federation.listStaged({limit: 10});
		if (staged.length > 0) problems.push(`${name} still has ${staged.length} staged events`);
		for (const row of await life.storage.cursors.list('federation:', {limit: 100})) {
			if (row.inFlight !== null || row.failure !== null)
				problems.push(`${name}: the cursor ${row.name} is not caught up`);
		}
		for (const roomId of roomIds) {
			const isIn = (await life.storage.memberships.listLocalJoined(roomId)).length > 0;
			if (isIn && (await life.storage.rooms.find(roomId))?.isPartial === true)
				problems.push(`${name} does not know who is in ${roomId}`);
		}
	}
	return problems;
}
