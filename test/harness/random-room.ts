import type {EventId, JsonObject, JsonValue} from '../../crypto/index.ts';
import {
	membershipIn,
	type Pdu,
	type RoomVersion,
	type RoomVersionId,
	roomVersion,
	type StateLookup,
	type StateMap,
	splitStateKey,
} from '../../federation/rooms/index.ts';
import {type EventDraft, RoomBuilder} from './room-builder.ts';
import {createSeededRandom, type SeededRandom} from './seeded-random.ts';

export interface RandomRoomOptions {
	readonly seed: number;
	readonly version: RoomVersionId;
	/** How many servers, each with its own view of the room. Default 3. */
	readonly servers?: number;
	/** Default 3. */
	readonly usersPerServer?: number;
	/** How many events follow after the room's first ones, at most. Default 60. */
	readonly steps?: number;
}

/** A room whose servers lost sight of each other now and then, told of by one who sees all. */
export interface RandomRoom {
	readonly seed: number;
	readonly version: RoomVersionId;
	readonly room: RoomBuilder;
	/** All events, each after those it refers to. */
	readonly events: readonly Pdu[];
	/** State sets that had to be resolved, or that could have to be: the states after some events each. */
	readonly conflicts: readonly (readonly EventId[])[];
}

/** A random room as plain JSON, for other programs. */
export interface ExportedRoom {
	readonly seed: number;
	readonly version: RoomVersionId;
	readonly room_id: string;
	/** Federation format, and the event id beside it. */
	readonly events: readonly {readonly event_id: string; readonly pdu: JsonValue}[];
	readonly rejected: readonly string[];
	/** Each conflict is a list of states, each state a list of `[type, state_key, event_id]`. */
	readonly conflicts: readonly (readonly (readonly (readonly [string, string, string])[])[])[];
}

interface View {
	readonly server: string;
	readonly users: readonly string[];
	readonly known: Set<EventId>;
	extremities: EventId[];
}

interface Scene {
	readonly version: RoomVersion;
	readonly random: SeededRandom;
	readonly users: readonly string[];
	readonly sender: string;
	readonly state: StateLookup;
}

type Draft = Pick<EventDraft, 'type' | 'sender' | 'stateKey' | 'content'>;

/** How often what is forbidden is sent all the same: it is part of the graph, and of no state. */
const FORBIDDEN_RATE = 0.05;
/** How often a server looks for something that a user of its may do before it gives up this turn. */
const ATTEMPTS = 6;
const LEVELS = [0, 0, 25, 50, 50, 75, 100];
const SOME_TYPES = ['m.room.topic', 'm.room.name', 'm.room.member', 'm.room.power_levels', 'm.room.join_rules'];

/**
 * Makes a room that follows from its options alone. Users of several servers join, leave, invite, knock, kick, ban, change
 * power levels, join rules and other state, much of it at the same time, and some of it built on purpose on an old event.
 */
export function createRandomRoom(options: RandomRoomOptions): RandomRoom {
	const {seed, version, steps = 60} = options;
	const random = createSeededRandom(`room/${version}/${seed}`);
	const room = new RoomBuilder(version);
	const views = createViews(options);
	const conflicts: EventId[][] = [];
	for (const event of openRoom(room, views, random)) for (const view of views) learn(view, event);
	for (let step = 0; step < steps; step++) {
		const view = random.pick(views);
		const prevEvents = choosePrevEvents(view, random);
		if (prevEvents.length > 1) conflicts.push(prevEvents);
		const event = act(room, view, views, prevEvents, random);
		if (event !== undefined) learn(view, event);
		for (const other of views) {
			if (random.chance(0.25)) exchange(room, view, other);
		}
	}
	const events = [...room.events.values()];
	for (let extra = 0; extra < 12; extra++) {
		conflicts.push(Array.from({length: 2 + random.below(3)}, () => random.pick(events).eventId));
	}
	return {seed, version, room, events, conflicts: conflicts.map((eventIds) => [...new Set(eventIds)])};
}

/** Gives a random room as plain JSON. */
export function exportRoom({seed, version, room, events, conflicts}: RandomRoom): ExportedRoom {
	return {
		seed,
		version,
		room_id: room.roomId,
		events: events.map(({eventId, json}) => ({event_id: eventId, pdu: json})),
		rejected: [...room.rejections.keys()],
		conflicts: conflicts.map((eventIds) => eventIds.map((eventId) => listState(room.stateAfter(eventId)))),
	};
}

/** Lists a state's entries in a fixed order. */
export function listState(state: StateMap): [type: string, stateKey: string, eventId: string][] {
	const entries = Array.from(state, ([key, eventId]): [string, string, string] => [...splitStateKey(key), eventId]);
	return entries.toSorted((a, b) => {
		const [left, right] = [JSON.stringify(a), JSON.stringify(b)];
		if (left === right) return 0;
		return left < right ? -1 : 1;
	});
}

function createViews({servers = 3, usersPerServer = 3}: RandomRoomOptions): View[] {
	return Array.from({length: servers}, (_, at): View => {
		const server = `s${at}.example`;
		const users = Array.from({length: usersPerServer}, (__, user) => `@u${user}:${server}`);
		return {server, users, known: new Set(), extremities: []};
	});
}

/** The room's first events, which all servers know. */
function* openRoom(room: RoomBuilder, views: readonly View[], random: SeededRandom): Generator<Pdu> {
	const version = roomVersion(room.version);
	const users = views.flatMap((view) => view.users);
	const creator = users[0] as string;
	const content: JsonObject = {room_version: room.version};
	if (version.creatorIn === 'content') content['creator'] = creator;
	if (version.creatorsAreUnlimited && random.chance(0.5))
		content['additional_creators'] = [random.pick(users.slice(1))];
	let last = room.send({type: 'm.room.create', sender: creator, stateKey: '', content, prevEvents: []});
	yield last;
	const send = (draft: Draft): Pdu => {
		last = room.send({...draft, prevEvents: [last.eventId]});
		return last;
	};
	yield send(memberDraft(creator, creator, 'join'));
	if (random.chance(0.9)) {
		const levels: JsonObject = version.creatorsAreUnlimited ? {} : {[creator]: 100};
		for (const user of users.slice(1)) {
			if (random.chance(0.3) && !isCreator(content, user))
				levels[user] = writeLevel(version, random.pick(LEVELS), random);
		}
		yield send({type: 'm.room.power_levels', sender: creator, stateKey: '', content: {users: levels}});
	}
	const joinRule = random.chance(0.8) ? 'public' : 'invite';
	yield send({type: 'm.room.join_rules', sender: creator, stateKey: '', content: {join_rule: joinRule}});
	if (joinRule !== 'public') return;
	for (const user of users.slice(1)) {
		if (random.chance(0.6)) yield send(memberDraft(user, user, 'join'));
	}
}

function isCreator(create: JsonObject, user: string): boolean {
	const additional = create['additional_creators'];
	return Array.isArray(additional) && additional.includes(user);
}

/** Most events build on all that the server knows of; some on an old event, as of a server that hides what came since. */
function choosePrevEvents(view: View, random: SeededRandom): EventId[] {
	if (random.chance(0.12)) return [random.pick([...view.known])];
	return view.extremities.slice(-5);
}

/** Lets a user of the server do something that the state before allows; now and then something that it forbids. */
function act(
	room: RoomBuilder,
	view: View,
	views: readonly View[],
	prevEvents: readonly EventId[],
	random: SeededRandom,
): Pdu | undefined {
	const stateBefore = room.resolve(prevEvents);
	const users = views.flatMap((other) => other.users);
	for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
		const scene: Scene = {
			version: roomVersion(room.version),
			random,
			users,
			sender: random.pick(view.users),
			state: room.lookUpIn(stateBefore),
		};
		const draft = random.pick(ACTIONS)(scene);
		if (draft === undefined) continue;
		// Clocks differ, and now and then two events bear the same time.
		const originServerTs = 1_700_000_000_000 + room.events.size * 1000 + random.below(5) * 2000;
		const event = room.build({...draft, prevEvents, stateBefore, originServerTs});
		if (room.events.has(event.eventId)) continue;
		if (room.check(event, stateBefore).allowed) return room.add(event, {stateBefore});
		if (random.chance(FORBIDDEN_RATE)) return room.add(event, {stateBefore, rejection: 'state-before'});
	}
	return undefined;
}

function learn(view: View, event: Pdu): void {
	view.known.add(event.eventId);
	const isUsed = new Set(event.prevEvents);
	view.extremities = [...view.extremities.filter((eventId) => !isUsed.has(eventId)), event.eventId];
}

/** Gives another server all that the first one knows. */
function exchange(room: RoomBuilder, from: View, to: View): void {
	// The builder holds events in an order in which each comes after its prev_events.
	for (const event of room.events.values()) {
		if (from.known.has(event.eventId) && !to.known.has(event.eventId)) learn(to, event);
	}
	const isUsed = new Set([...to.known].flatMap((eventId) => room.get(eventId).prevEvents));
	to.extremities = to.extremities.filter((eventId) => !isUsed.has(eventId));
}

function memberDraft(sender: string, target: string, membership: string, more: JsonObject = {}): Draft {
	return {type: 'm.room.member', sender, stateKey: target, content: {membership, ...more}};
}

/** Old versions allow levels to be written as text. */
function writeLevel(version: RoomVersion, level: number, random: SeededRandom): JsonValue {
	return version.powerLevelValues !== 'integer' && random.chance(0.2) ? String(level) : level;
}

const ACTIONS: readonly ((scene: Scene) => Draft | undefined)[] = [
	joinRoom,
	joinRoom,
	({sender}) => memberDraft(sender, sender, 'leave'),
	({sender, users, random}) => memberDraft(sender, random.pick(users), 'invite'),
	({sender, users, random}) => memberDraft(sender, random.pick(users), 'leave'),
	({sender, users, random}) => memberDraft(sender, random.pick(users), 'ban'),
	({sender}) => memberDraft(sender, sender, 'knock'),
	changeLevels,
	changeLevels,
	changeLevels,
	changeJoinRule,
	({sender, random}) => stateDraft(sender, 'm.room.topic', '', {topic: `topic ${random.below(1000)}`}),
	({sender, random}) => stateDraft(sender, 'm.room.name', '', {name: `name ${random.below(1000)}`}),
	({sender, random}) => stateDraft(sender, 'org.example.note', random.pick(['', 'x', 'y']), {note: random.below(1000)}),
	({sender, random}) => stateDraft(sender, 'org.example.own', sender, {note: random.below(1000)}),
	({sender, random}) =>
		stateDraft(sender, 'm.room.aliases', sender.slice(sender.indexOf(':') + 1), {n: random.below(9)}),
	({sender, random}) => ({type: 'm.room.message', sender, content: {body: `message ${random.below(1000)}`}}),
];

function stateDraft(sender: string, type: string, stateKey: string, content: JsonObject): Draft {
	return {type, sender, stateKey, content};
}

function joinRoom({version, random, users, sender, state}: Scene): Draft {
	const rule = state('m.room.join_rules', '')?.content['join_rule'];
	if (!version.hasRestrictedJoins || (rule !== 'restricted' && rule !== 'knock_restricted')) {
		return memberDraft(sender, sender, 'join');
	}
	const joined = users.filter((user) => membershipIn(state, user) === 'join');
	if (joined.length === 0) return memberDraft(sender, sender, 'join');
	return memberDraft(sender, sender, 'join', {join_authorised_via_users_server: random.pick(joined)});
}

function changeJoinRule({version, random, sender}: Scene): Draft {
	const rule = random.pick(['public', 'public', ...version.joinRules]);
	const allow: JsonObject = {type: 'm.room_membership', room_id: '!other:s0.example'};
	const content: JsonObject = rule.endsWith('restricted') ? {join_rule: rule, allow: [allow]} : {join_rule: rule};
	return stateDraft(sender, 'm.room.join_rules', '', content);
}

function changeLevels({version, random, users, sender, state}: Scene): Draft {
	const {users: written, events, ...rest} = state('m.room.power_levels', '')?.content ?? {};
	const levels: JsonObject = {...(written as JsonObject | undefined)};
	const creators = state('m.room.create', '');
	const content: JsonObject = {...rest, users: levels, events: {...(events as JsonObject | undefined)}};
	const level = writeLevel(version, random.pick(LEVELS), random);
	const kind = random.below(5);
	if (kind <= 2) {
		const user = random.pick(users);
		if (!version.creatorsAreUnlimited || (user !== creators?.sender && !isCreator(creators?.content ?? {}, user))) {
			levels[user] = level;
		}
	} else if (kind === 3) {
		content[random.pick(['ban', 'kick', 'invite', 'redact', 'users_default', 'events_default', 'state_default'])] =
			level;
	} else {
		(content['events'] as JsonObject)[random.pick(SOME_TYPES)] = level;
	}
	return stateDraft(sender, 'm.room.power_levels', '', content);
}
