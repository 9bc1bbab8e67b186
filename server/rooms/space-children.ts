import {isRoomId, isServerName} from '../../crypto/index.ts';
import type {SpaceChild} from '../../federation/outbound/index.ts';
import {type Pdu, redactPdu} from '../../federation/rooms/index.ts';
import type {RoomsContext} from './context.ts';
import {isRedacted} from './current-state.ts';
import type {RoomDescription} from './describe-room.ts';

/** Children of one space that are looked at. */
const CHILDREN_MAX = 1_000;
/** Servers by which one child may be reached. */
const VIA_MAX = 50;
/** What an `order` may be; another one does not count. */
const orderForm = /^[\u0020-\u007E]{1,50}$/u;

/** Lists the children of a room of this server in their order; none where it is no space. */
export async function listChildren(
	{storage, engine}: RoomsContext,
	{roomId, state}: RoomDescription,
	suggestedOnly: boolean,
): Promise<SpaceChild[]> {
	if (state.get('m.room.create')?.content['type'] !== 'm.space') return [];
	const rows = await storage.rooms.listCurrentState(roomId, {types: ['m.space.child'], limit: CHILDREN_MAX});
	const events = await engine.readRows(rows);
	const children = events.flatMap(({pdu, row}) => toChild(isRedacted(row) ? redactPdu(pdu) : pdu) ?? []);
	return arrangeChildren(children, suggestedOnly);
}

/**
 * Puts children into the order in which people are shown them.
 * @see https://spec.matrix.org/v1.19/client-server-api/#ordering-of-children-within-a-space
 */
export function arrangeChildren(children: readonly SpaceChild[], suggestedOnly: boolean): SpaceChild[] {
	return children.filter((child) => !suggestedOnly || contentOf(child)['suggested'] === true).toSorted(compareChildren);
}

function compareChildren(a: SpaceChild, b: SpaceChild): number {
	const [orderA, orderB] = [orderOf(a), orderOf(b)];
	if (orderA !== orderB) {
		if (orderA === undefined) return 1;
		if (orderB === undefined) return -1;
		return orderA < orderB ? -1 : 1;
	}
	return Number(a.event['origin_server_ts']) - Number(b.event['origin_server_ts']) || (a.roomId < b.roomId ? -1 : 1);
}

const contentOf = ({event}: SpaceChild): Readonly<Record<string, unknown>> =>
	event['content'] as Readonly<Record<string, unknown>>;

function orderOf(child: SpaceChild): string | undefined {
	const {order} = contentOf(child);
	return typeof order === 'string' && orderForm.test(order) ? order : undefined;
}

function toChild({type, stateKey, sender, content, originServerTs}: Pdu): SpaceChild | undefined {
	const named = Array.isArray(content['via']) ? content['via'] : [];
	const via = named.filter((server) => isServerName(server)).slice(0, VIA_MAX);
	if (!isRoomId(stateKey) || via.length === 0) return undefined;
	const event = {type, state_key: stateKey, sender, content, origin_server_ts: originServerTs};
	return {roomId: stateKey, via, event};
}
