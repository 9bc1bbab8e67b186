import {
	type EventId,
	type JsonObject,
	type JsonValue,
	type ServerName,
	signJson,
	type UserId,
} from '../../crypto/index.ts';
import {contentHash, type Pdu, signedForm} from '../../federation/rooms/index.ts';
import type {ByzantineNode, TargetRoom} from './byzantine.ts';

/** What is sent, and to whom. */
export interface Assault {
	readonly to: readonly ServerName[];
	readonly pdus: readonly JsonValue[];
}

interface Means {
	readonly node: ByzantineNode;
	readonly room: TargetRoom;
	readonly servers: readonly ServerName[];
}

/** Beyond the 65,536 bytes that an event may have. */
const TOO_MANY_BYTES = 70_000;
/** The greatest number in canonical JSON. */
const DEPTH_MAX = 2 ** 53 - 1;

const message = (body: string): {type: string; content: JsonObject} => ({
	type: 'm.room.message',
	content: {msgtype: 'm.text', body},
});

const toAll = ({servers}: Means, ...pdus: readonly Pdu[]): Assault[] => [
	{to: servers, pdus: pdus.map(({json}) => json)},
];

/** Hashes and signs what `buildPdu` would refuse to build. */
function signRaw({node, room}: Means, json: JsonObject): JsonObject {
	const {signatures: _, ...rest} = json;
	const hashed: JsonObject = {...rest, hashes: {sha256: contentHash(rest)}};
	const {signatures} = signJson(signedForm(room.version, hashed), node.name, node.key);
	return {...hashed, signatures};
}

/** Somebody of another server who is in the room. */
function pickVictim({node, room}: Means): UserId {
	const members = [...room.state.keys()].flatMap((key) => (key.startsWith('m.room.member ') ? key.split(' ')[1] : []));
	return node.random.pick(members) as UserId;
}

/** Gives itself every right. */
function usurpation({node, room}: Means, over: Parameters<ByzantineNode['build']>[2] = {}): Pdu {
	const before = room.state.get('m.room.power_levels ')?.content ?? {};
	const users = {...(before['users'] as JsonObject | undefined), [node.userId]: 100};
	return node.build(room, {type: 'm.room.power_levels', stateKey: '', content: {...before, users}}, over);
}

/** Some state that only those with rights may set, or somebody else's membership. */
function unauthorised(means: Means, over: Parameters<ByzantineNode['build']>[2] = {}): Pdu {
	const {node, room} = means;
	const victim = pickVictim(means);
	const [type, stateKey, content] = node.random.pick<[string, string, JsonObject]>([
		['m.room.topic', '', {topic: 'mine'}],
		['m.room.join_rules', '', {join_rule: 'public'}],
		['m.room.server_acl', '', {allow: [node.name], deny: ['*']}],
		['m.room.member', victim, {membership: 'ban'}],
		['m.room.member', victim, {membership: 'join'}],
		['m.room.create', '', {room_version: room.version}],
	]);
	return type === 'm.room.create' ? usurpation(means, over) : node.build(room, {type, stateKey, content}, over);
}

/** All that it does, the rightful among it: who never says anything right is soon not listened to. */
export const ATTACKS: Readonly<Record<string, (means: Means) => Assault[]>> = {
	speaks(means) {
		const pdu = means.node.build(means.room, message('good day'));
		means.node.note(means.room, pdu);
		return toAll(means, pdu);
	},
	'says one thing to one and another to others'({node, room, servers}) {
		const mine = (displayname: string): Pdu =>
			node.build(room, {type: 'm.room.member', stateKey: node.userId, content: {membership: 'join', displayname}});
		const [first, ...others] = node.random.shuffle(servers);
		return [
			{to: first === undefined ? [] : [first], pdus: [mine('one').json, node.build(room, message('to one')).json]},
			{to: others, pdus: [mine('other').json, node.build(room, message('to others')).json]},
		];
	},
	'forges what others say'(means) {
		const {node, room, servers} = means;
		const sender = pickVictim(means);
		const server = sender.slice(sender.indexOf(':') + 1);
		const forged = [
			node.build(room, message('never said'), {sender}).json,
			usurpation(means, {sender}).json,
			node.build(room, {type: 'm.room.member', stateKey: sender, content: {membership: 'leave'}}, {sender}).json,
		];
		const signature = Buffer.from(node.random.bytes(64)).toString('base64').replaceAll('=', '');
		const pretended = forged.map((json) => ({...json, signatures: {[server]: {'ed25519:a': signature}}}));
		return [{to: servers, pdus: [...forged, ...pretended]}];
	},
	'alters what it signed'({node, room, servers}) {
		const {json} = node.build(room, message('before'));
		const topic = node.build(room, {type: 'm.room.member', stateKey: node.userId, content: {membership: 'join'}});
		return [
			{to: servers.slice(0, 1), pdus: [{...json, content: {msgtype: 'm.text', body: 'after'}}]},
			{to: servers, pdus: [json, {...topic.json, depth: 7}]},
		];
	},
	'sends too much at once'(means) {
		const {json} = means.node.build(means.room, message(''));
		const content = {msgtype: 'm.text', body: 'x'.repeat(TOO_MANY_BYTES)};
		const longKey = {type: 'org.example.long', state_key: 'k'.repeat(300), content: {}};
		return [{to: means.servers, pdus: [signRaw(means, {...json, content}), signRaw(means, {...json, ...longKey})]}];
	},
	'sends what is no event'(means) {
		const {json} = means.node.build(means.room, message('odd'));
		const odd: JsonObject[] = [
			{...json, depth: 'deep'},
			{...json, depth: -1},
			{...json, prev_events: []},
			{...json, prev_events: Array.from({length: 50}, () => means.node.inventId())},
			{...json, auth_events: Array.from({length: 50}, () => means.node.inventId())},
			{...json, origin_server_ts: 'now'},
			{...json, content: []},
			{...json, sender: 'nobody'},
			{...json, type: 7},
		];
		const {content: _, ...without} = json;
		return [
			{to: means.servers, pdus: [...odd.map((event) => signRaw(means, event)), without, {room_id: means.room.roomId}]},
		];
	},
	'dates back'(means) {
		const {node, room} = means;
		const past = node.random.pick(room.seen);
		const over = {
			prevEvents: [past.eventId],
			depth: node.random.pick([0, 1, past.depth + 1, DEPTH_MAX]),
			originServerTs: node.random.pick([0, 1, past.originServerTs, DEPTH_MAX]),
		};
		return toAll(
			means,
			node.build(room, message('long ago'), over),
			unauthorised(means, over),
			usurpation(means, over),
		);
	},
	'takes rights'(means) {
		const taken = usurpation(means);
		const {node, room} = means;
		const authEvents = taken.authEvents.filter((id) => id !== room.state.get('m.room.power_levels ')?.eventId);
		const onIt = {prevEvents: [taken.eventId], authEvents: [...authEvents, taken.eventId]};
		const inItsLight = node.build(room, {type: 'm.room.topic', stateKey: '', content: {topic: 'mine'}}, onIt);
		return toAll(means, taken, inItsLight, unauthorised(means));
	},
	'cites what is of another room'(means) {
		const {node, room} = means;
		const other = node.random.pick(node.rooms);
		const authEvents = [...other.state.values()].slice(0, 4).map(({eventId}) => eventId);
		const lost = node.build(room, message('lost'), {authEvents});
		if (other === room || !node.mayBeHopeless()) return toAll(means, lost);
		const prevEvents = [...room.ends, node.random.pick(other.seen).eventId];
		return toAll(means, lost, node.build(room, message('led'), {prevEvents}));
	},
	'leaves gaps that it fills'(means) {
		const {node, room} = means;
		const chain: Pdu[] = [];
		for (let at = 0; at < 4; at += 1) {
			const pdu = node.build(room, message(`link ${at}`));
			node.note(room, pdu);
			chain.push(pdu);
		}
		const last = chain.pop() as Pdu;
		node.hide(last.eventId, 'truth', chain);
		return toAll(means, last);
	},
	'builds on what nobody has'(means) {
		const {node, room} = means;
		if (!node.mayBeHopeless()) return [];
		const prevEvents: EventId[] = [node.inventId()];
		const pdu = node.build(room, message('from nowhere'), {prevEvents});
		node.hide(pdu.eventId, node.random.pick(['loop', 'endless', 'forged', 'nothing']), [pdu]);
		return toAll(means, pdu);
	},
	'redacts what is not its own'(means) {
		const {node, room} = means;
		const redacts = node.random.pick(room.seen).eventId;
		const inContent = room.version !== '10';
		const content: JsonObject = inContent ? {redacts} : {};
		return toAll(means, node.build(room, {type: 'm.room.redaction', content}, {redacts}));
	},
};
