/** What tests say and read of relations between events. */
import {type Answer, request} from '../../../harness/index.ts';
import {type ClientEvent, type Person, room} from './newsroom.ts';

/** What `unsigned` says of what relates to an event. */
export interface Relations {
	readonly 'm.replace'?: ClientEvent;
	readonly 'm.thread'?: {
		readonly latest_event: ClientEvent;
		readonly count: number;
		readonly current_user_participated: boolean;
	};
	readonly 'm.reference'?: {readonly chunk: readonly {readonly event_id: string}[]};
	readonly 'm.annotation'?: unknown;
}

/** A page of related events, or of threads. */
export interface Related {
	readonly chunk: readonly ClientEvent[];
	readonly next_batch?: string;
	readonly prev_batch?: string;
	readonly recursion_depth?: number;
}

let count = 0;

/** Sends an event; gives its id. */
export async function send(person: Person, roomId: string, type: string, content: object): Promise<string> {
	count += 1;
	const path = `${room(roomId)}/send/${type}/txn${count}`;
	return (await person.do<{event_id: string}>('PUT', path, content)).event_id;
}

const text = (body: string) => ({msgtype: 'm.text', body});
const relation = (relType: string, eventId: string, more: object = {}) => ({
	'm.relates_to': {rel_type: relType, event_id: eventId, ...more},
});

/** Writes into a thread. */
export const reply = (person: Person, roomId: string, root: string, body = 'reply'): Promise<string> =>
	send(person, roomId, 'm.room.message', {...text(body), ...relation('m.thread', root)});

/** Changes a message. */
export const edit = (person: Person, roomId: string, eventId: string, body: string): Promise<string> =>
	send(person, roomId, 'm.room.message', {
		...text(`* ${body}`),
		'm.new_content': text(body),
		...relation('m.replace', eventId),
	});

/** Refers to an event. */
export const refer = (person: Person, roomId: string, eventId: string, body = 'see there'): Promise<string> =>
	send(person, roomId, 'm.room.message', {...text(body), ...relation('m.reference', eventId)});

/** Reacts to an event. */
export const react = (person: Person, roomId: string, eventId: string, key: string): Promise<string> =>
	send(person, roomId, 'm.reaction', relation('m.annotation', eventId, {key}));

/** Takes an event's content away. */
export async function redact(person: Person, roomId: string, eventId: string, body: object = {}): Promise<string> {
	count += 1;
	const path = `${room(roomId)}/redact/${encodeURIComponent(eventId)}/txn${count}`;
	return (await person.do<{event_id: string}>('PUT', path, body)).event_id;
}

/** Sends a request to the endpoints of `/_matrix/client/v1` of a room. */
export function askV1<T = Related>(person: Person, roomId: string, path: string): Promise<Answer<T>> {
	const token = person.session.access_token;
	return request<T>(person.app, 'GET', `/_matrix/client/v1${room(roomId)}${path}`, {token});
}

/** Gives the body of an answer that must be a success. */
export async function readV1(person: Person, roomId: string, path: string): Promise<Related> {
	const {status, body, text: answer} = await askV1(person, roomId, path);
	if (status !== 200) throw new Error(`GET ${path}: expected 200, got ${status} ${answer}`);
	return body;
}

/** The path of what relates to an event. */
export const relationsOf = (eventId: string, more = ''): string => `/relations/${encodeURIComponent(eventId)}${more}`;

/** Gives an event as a person is shown it. */
export const show = (person: Person, roomId: string, eventId: string): Promise<ClientEvent> =>
	person.do<ClientEvent>('GET', `${room(roomId)}/event/${encodeURIComponent(eventId)}`);

/** Gives what relates to an event, as its `unsigned` says it. */
export function relationsIn(event: ClientEvent | undefined): Relations {
	return event?.unsigned?.['m.relations'] ?? {};
}

/** Gives what relates to an event as a person is told it with the event. */
export const bundleOf = async (person: Person, roomId: string, eventId: string): Promise<Relations> =>
	relationsIn(await show(person, roomId, eventId));

/** Has somebody ignore people. */
export const ignore = (person: Person, others: readonly Person[]): Promise<unknown> =>
	person.do('PUT', `/user/${encodeURIComponent(person.id)}/account_data/m.ignored_user_list`, {
		ignored_users: Object.fromEntries(others.map(({id}) => [id, {}])),
	});

/** The ids of events. */
export const idsOf = (events: readonly ClientEvent[]): string[] => events.map(({event_id: eventId}) => eventId);
