import {type DeviceId, domainOf, type EventId, type JsonObject, type RoomId, type UserId} from '../../crypto/index.ts';
import {EngineError} from '../../federation/engine/index.ts';
import {type Actor, RoomsError} from '../../server/rooms/index.ts';
import {StorageError} from '../../storage/index.ts';
import type {SeededRandom} from '../harness/seeded-random.ts';
import type {ServerLife, ServerNode} from './server-node.ts';
import type {Simulation} from './simulation.ts';

/** A message that somebody's client wants to have sent, under the same transaction id until it is answered. */
export interface Message {
	readonly sender: UserId;
	readonly roomId: RoomId;
	readonly body: string;
	/** What the server answered; with it the message is on disk. */
	eventId: EventId | undefined;
	/** The life of the server that was asked last. */
	life: ServerLife | undefined;
}

/** Something else that a server said it has done. */
export interface Deed {
	readonly roomId: RoomId;
	readonly server: ServerNode;
	readonly eventId: EventId;
}

/** What a random person may do next. */
type Action = (
	people: People,
	actor: Actor,
	roomId: RoomId,
) => [label: string, act: (life: ServerLife) => Promise<void>];

const LEVELS = [0, 0, 25, 50, 50, 75, 100];
/** The room versions that most rooms of today have. */
export const VERSIONS = ['10', '11', '12'];
const JOIN_RULES = ['public', 'public', 'public', 'invite', 'knock', 'restricted', 'knock_restricted'] as const;
const PRESETS = ['public_chat', 'public_chat', 'private_chat', 'trusted_private_chat'] as const;

/** People of several servers who do things in rooms, all of it following from the seed. */
export class People {
	readonly messages: Message[] = [];
	readonly deeds: Deed[] = [];
	readonly roomIds: RoomId[] = [];
	/** Errors that no caller should ever see. */
	readonly surprises: unknown[] = [];
	readonly #simulation: Simulation;
	readonly #nodes: readonly ServerNode[];
	readonly #users: readonly UserId[];
	readonly #actions: readonly Action[];
	/** How likely somebody makes a room instead of doing something in one. */
	readonly #createRate: number;
	readonly #random: SeededRandom;
	readonly #members = new Map<RoomId, Set<UserId>>();
	readonly #running = new Set<ServerLife>();
	readonly #counts = new Map<ServerLife, number>();
	#named = 0;

	/** `areRestless`: they make rooms and move between them more often, and ask who is there. */
	constructor(
		simulation: Simulation,
		nodes: readonly ServerNode[],
		{usersPerServer, areRestless}: {readonly usersPerServer: number; readonly areRestless: boolean},
	) {
		this.#actions = areRestless ? RESTLESS_ACTIONS : ACTIONS;
		this.#createRate = areRestless ? 0.06 : 0.02;
		this.#simulation = simulation;
		this.#nodes = nodes;
		this.#random = simulation.random.fork('people');
		this.#users = nodes.flatMap(({name}) =>
			Array.from({length: usersPerServer}, (_, at) => `@u${at}:${name}` as UserId),
		);
	}

	/** Whether nobody waits for an answer. */
	get isQuiet(): boolean {
		return this.#nodes.every((node) => !node.readyLife || !this.#running.has(node.readyLife));
	}

	get random(): SeededRandom {
		return this.#random;
	}

	nodeOf(userId: UserId): ServerNode {
		const node = this.#nodes.find(({name}) => name === domainOf(userId));
		if (!node) throw new Error(`Expected a server for ${userId}`);
		return node;
	}

	pickUser(): UserId {
		return this.#random.pick(this.#users);
	}

	/** Lets somebody do something, without waiting for what comes of it. */
	act(): void {
		if (this.roomIds.length === 0 || this.#random.chance(this.#createRate)) {
			this.create(actorOf(this.pickUser()), this.#random.pick(VERSIONS), this.#random.pick(PRESETS));
			return;
		}
		const roomId = this.#random.pick(this.roomIds);
		const action = this.#random.pick(this.#actions);
		const members = [...(this.#members.get(roomId) ?? [])];
		const isMember = action !== join && members.length > 0 && this.#random.chance(0.9);
		this.#do(actorOf(isMember ? this.#random.pick(members) : this.pickUser()), roomId, action);
	}

	/** Lets people join every room who are not known to be in it: all of them, or one of a server. */
	joinAll({onlyFirst = false} = {}): void {
		for (const roomId of this.roomIds) {
			for (const userId of this.#users) {
				if (onlyFirst && !userId.startsWith('@u0:')) continue;
				if (this.#members.get(roomId)?.has(userId) !== true) this.#do(actorOf(userId), roomId, join);
			}
		}
	}

	#do(actor: Actor, roomId: RoomId, action: Action): void {
		const [label, act] = action(this, actor, roomId);
		this.#run(actor, label, act);
	}

	/** Notes that somebody is in a room, or is not any more, as far as their server has said so. */
	setMember(roomId: RoomId, userId: UserId, isMember: boolean): void {
		const members = this.#members.get(roomId) ?? new Set();
		this.#members.set(roomId, members);
		if (isMember) members.add(userId);
		else members.delete(userId);
	}

	/** Makes a room. */
	create(actor: Actor, version: string, preset: (typeof PRESETS)[number]): void {
		const invite = this.#random.chance(0.5) ? [this.pickUser()].filter((user) => user !== actor.userId) : [];
		this.#run(actor, `creates a room of version ${version}`, async ({rooms}) => {
			const roomId = await rooms.create(actor, {version, preset, invite, name: 'room'});
			this.roomIds.push(roomId);
			this.setMember(roomId, actor.userId, true);
		});
	}

	/** Sends a message, or the same one again. */
	send(message: Message): void {
		const actor = actorOf(message.sender);
		this.#run(actor, `says "${message.body}" in ${message.roomId}`, async (life) => {
			message.life = life;
			message.eventId = await life.rooms.send(actor, message.roomId, {
				type: 'm.room.message',
				content: {msgtype: 'm.text', body: message.body},
				transaction: {
					userId: message.sender,
					deviceId: 'PHONE' as DeviceId,
					method: 'PUT',
					endpoint: 'sendMessage',
					roomId: message.roomId,
					txnId: message.body,
				},
			});
		});
	}

	/** Gives a new message to be sent. */
	write(sender: UserId, roomId: RoomId): Message {
		const message = {sender, roomId, body: `m${++this.#named}`, eventId: undefined, life: undefined};
		this.messages.push(message);
		return message;
	}

	/** Sends again what was not answered before the server crashed. */
	retry(): void {
		for (const message of this.messages) {
			const {readyLife} = this.nodeOf(message.sender);
			if (message.eventId === undefined && readyLife && message.life !== readyLife) this.send(message);
		}
	}

	#run(actor: Actor, label: string, act: (life: ServerLife) => Promise<void>): void {
		const life = this.nodeOf(actor.userId).readyLife;
		if (!life) return;
		this.#simulation.note(`${actor.userId} ${label}`);
		this.#count(life, 1);
		const done = (outcome: string): void => {
			this.#count(life, -1);
			if (this.nodeOf(actor.userId).readyLife === life) this.#simulation.note(`${actor.userId} ${label}: ${outcome}`);
		};
		act(life).then(
			() => done('done'),
			(error: unknown) => {
				const isExpected = error instanceof RoomsError || error instanceof EngineError || error instanceof StorageError;
				if (!isExpected) this.surprises.push(error);
				done(error instanceof Error ? `${error.name} ${error.message}` : String(error));
			},
		);
	}

	#count(life: ServerLife, by: number): void {
		const count = (this.#counts.get(life) ?? 0) + by;
		this.#counts.set(life, count);
		if (count > 0) this.#running.add(life);
		else this.#running.delete(life);
	}

	/** Sets an entry of state, and remembers what the server answered. */
	async setState(life: ServerLife, actor: Actor, roomId: RoomId, type: string, content: JsonObject): Promise<void> {
		const eventId = await life.rooms.setState(actor, roomId, {type, stateKey: '', content});
		this.deeds.push({roomId, server: this.nodeOf(actor.userId), eventId});
	}

	/** Servers that somebody knows to ask. */
	via(actor: Actor): ServerNode['name'][] {
		return this.#random.shuffle(this.#nodes.map(({name}) => name)).filter((name) => name !== domainOf(actor.userId));
	}
}

/** Somebody without special rights. */
export function actorOf(userId: UserId): Actor {
	return {userId, isAdmin: false, isGuest: false, isSuspended: false};
}

const say: Action = (people, {userId}, roomId) => [
	'speaks',
	async () => {
		people.send(people.write(userId, roomId));
	},
];

const join: Action = (people, actor, roomId) => {
	const via = people.via(actor);
	return [
		`joins ${roomId} via ${via.join()}`,
		async ({rooms}) => {
			await rooms.join(actor, roomId, {via});
			people.setMember(roomId, actor.userId, true);
		},
	];
};

const leave: Action = (people, actor, roomId) => [
	`leaves ${roomId}`,
	async ({rooms}) => {
		await rooms.leave(actor, roomId);
		people.setMember(roomId, actor.userId, false);
	},
];

const look: Action = (_people, actor, roomId) => [
	`asks who is in ${roomId}`,
	async ({rooms}) => {
		await rooms.listMembers(actor, roomId, {});
	},
];

const onOther =
	(verb: 'invite' | 'kick' | 'ban' | 'unban'): Action =>
	(people, actor, roomId) => {
		const target = people.pickUser();
		return [
			`${verb}s ${target} in ${roomId}`,
			async ({rooms}) => {
				await rooms[verb](actor, roomId, target);
				if (verb !== 'invite') people.setMember(roomId, target, false);
			},
		];
	};

const knock: Action = (people, actor, roomId) => {
	const via = people.via(actor);
	return [
		`knocks at ${roomId} via ${via.join()}`,
		async ({rooms}) => {
			await rooms.knock(actor, roomId, {via});
		},
	];
};

const set =
	(type: string, content: (people: People) => JsonObject): Action =>
	(people, actor, roomId) => {
		const wanted = content(people);
		return [`sets ${type} of ${roomId}`, (life) => people.setState(life, actor, roomId, type, wanted)];
	};

const changeLevels: Action = (people, actor, roomId) => {
	const [target, level] = [people.pickUser(), people.random.pick(LEVELS)];
	return [
		`gives ${target} level ${level} in ${roomId}`,
		async (life) => {
			const view = await life.engine.findRoom(roomId);
			const before = (await view?.findState('m.room.power_levels', ''))?.content ?? {};
			const users = {...(before['users'] as JsonObject | undefined), [target]: level};
			await people.setState(life, actor, roomId, 'm.room.power_levels', {...before, users});
		},
	];
};

/** Who may come in from now on. A restricted room lets in the members of any other one. */
const changeJoinRule = set('m.room.join_rules', ({random, roomIds}) => {
	const rule = random.pick(JOIN_RULES);
	const allow = {type: 'm.room_membership', room_id: random.pick(roomIds)};
	return {join_rule: rule, ...(rule.includes('restricted') && {allow: [allow]})};
});

/** How often something is done is how often it stands here. */
const ACTIONS: readonly Action[] = [
	...Array.from({length: 10}, () => say),
	...Array.from({length: 6}, () => join),
	leave,
	onOther('invite'),
	onOther('invite'),
	onOther('kick'),
	onOther('ban'),
	onOther('unban'),
	knock,
	changeLevels,
	changeLevels,
	changeJoinRule,
	set('m.room.name', ({random}) => ({name: `name ${random.below(1000)}`})),
	set('m.room.topic', ({random}) => ({topic: `topic ${random.below(1000)}`})),
	set('m.room.canonical_alias', () => ({})),
];

const RESTLESS_ACTIONS: readonly Action[] = [
	...ACTIONS,
	...Array.from({length: 10}, () => join),
	...Array.from({length: 10}, () => say),
	...Array.from({length: 4}, () => leave),
	onOther('ban'),
	onOther('kick'),
	look,
	look,
];
