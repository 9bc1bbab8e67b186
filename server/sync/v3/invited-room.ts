import {isJsonObject, type JsonObject} from '../../../crypto/index.ts';
import {redactPdu, toStrippedState} from '../../../federation/rooms/index.ts';
import type {MembershipRow} from '../../../storage/index.ts';
import type {SyncParts} from './view.ts';

/** What tells somebody outside what a room is. @see https://spec.matrix.org/v1.19/client-server-api/#stripped-state */
const strippedTypes = [
	'm.room.create',
	'm.room.join_rules',
	'm.room.canonical_alias',
	'm.room.avatar',
	'm.room.encryption',
	'm.room.name',
	'm.room.topic',
];

/** Events of an invite from another server that are shown at most. */
const STRIPPED_MAX = 100;

/** Gives the entry of a room that the user is invited to, or knocks at, as JSON text. */
export async function renderOutsideRoom(parts: SyncParts, row: MembershipRow): Promise<string> {
	const key = row.membership === 'knock' ? 'knock_state' : 'invite_state';
	return JSON.stringify({[key]: {events: await listOutsideState(parts, row)}});
}

/** Lists what somebody outside is told of a room: what it is, who invites, and the membership itself. */
export async function listOutsideState(parts: SyncParts, row: MembershipRow): Promise<JsonObject[]> {
	return [...(await listStripped(parts, row)), ...(await listMembers(parts, row))];
}

/** The state that came with the invite, or that of the room at the invite. */
async function listStripped({storage, engine, states}: SyncParts, row: MembershipRow): Promise<JsonObject[]> {
	const {roomId, pos, strippedState, userId} = row;
	if (strippedState !== null) {
		return strippedState.filter((event) => isStripped(event) && !isMemberOf(event, userId)).slice(0, STRIPPED_MAX);
	}
	const state = await states.findAt(roomId, pos);
	if (!state) return [];
	const keys = [
		...strippedTypes.map((type) => ({type, stateKey: ''})),
		// Who invites is named by their own member event.
		...(row.sender === userId ? [] : [{type: 'm.room.member', stateKey: row.sender}]),
	];
	const entries = await states.find(state, keys);
	const rows = await storage.events.findByNids(entries.map(({eventNid}) => eventNid));
	const events = await engine.readRows([...rows.values()]);
	return events.map(({pdu, row: {redactedBy}}) => toStrippedState(redactedBy === null ? pdu : redactPdu(pdu)));
}

/** The user's own membership says who invites and why. */
async function listMembers({storage, engine}: SyncParts, {eventNid}: MembershipRow): Promise<JsonObject[]> {
	const row = eventNid === null ? undefined : await storage.events.findByNid(eventNid);
	const events = row ? await engine.readRows([row]) : [];
	return events.map(({pdu}) => toStrippedState(pdu));
}

/** What another server sent along may be anything; an event that is none must not cost the user the answer. */
function isStripped(event: JsonObject): boolean {
	const {type, state_key: stateKey, sender, content} = event;
	return (
		typeof type === 'string' && typeof stateKey === 'string' && typeof sender === 'string' && isJsonObject(content)
	);
}

function isMemberOf({type, state_key: stateKey}: JsonObject, userId: string): boolean {
	return type === 'm.room.member' && stateKey === userId;
}
