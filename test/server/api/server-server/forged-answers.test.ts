/** Row B1 of the list of threats: on whatever path an event comes, its sender's server must have signed it. */
import test from 'ava';
import {
	canonicalJson,
	type EventId,
	generateSigningKey,
	type JsonObject,
	type UserId,
} from '../../../../crypto/index.ts';
import {type Pdu, toFederationEvent} from '../../../../federation/rooms/index.ts';
import {call, path, until} from '../../../harness/index.ts';
import {startShared, timeline} from './world.ts';

type Shared = Awaited<ReturnType<typeof startShared>>;

const message = (sender: UserId, body: string) => ({
	type: 'm.room.message',
	sender,
	content: {msgtype: 'm.text', body},
});

interface Forged {
	readonly eventId: EventId;
	readonly json: JsonObject;
}

/** Events that nobody of their sender's server has signed as they are. */
function forge({peer, room, alice, bob}: Shared): readonly Forged[] {
	const build = (event: Parameters<typeof peer.build>[1], over = {}, signatures?: JsonObject): Forged => {
		const pdu = peer.build(room, event, over);
		return {eventId: pdu.eventId, json: {...toFederationEvent(pdu), ...(signatures && {signatures})}};
	};
	const sender = alice.user_id as UserId;
	const content = {users: {[alice.user_id]: 100, [bob]: 100}};
	return [
		build(message(sender, 'forged: alice')),
		build({type: 'm.room.power_levels', sender, stateKey: '', content}),
		build(message('@carol:127.0.0.2:1' as UserId, 'forged: of a third server')),
		build(message(bob, 'forged: with another key'), {key: generateSigningKey()}),
		build(message(bob, 'forged: unsigned'), {}, {}),
		build(message(bob, 'forged: signed by another'), {}, {'news.example': {'ed25519:a': 'a'}}),
	];
}

/** What of the room shows that a forged event was taken. */
async function harmOf(host: Shared): Promise<string[]> {
	const {app, alice, roomId} = host;
	const levels = `/_matrix/client/v3/rooms/${path(roomId)}/state/m.room.power_levels/`;
	const {users = {}} = await call<{users?: Record<string, number>}>(app, 'GET', levels, {token: alice.access_token});
	const said = (await timeline(host, roomId)).map(({content}) => content.body ?? '');
	return [
		...said.filter((body) => body.startsWith('forged')),
		...Object.keys(users).filter((user) => user === host.bob),
	];
}

/** Sends a message of bob's that rests on an event which is not here, and waits until it was looked at. */
async function sendOrphan(host: Shared, forged: readonly EventId[], over: {authEvents?: EventId[]} = {}): Promise<Pdu> {
	const {app, peer, room, bob} = host;
	const prevEvents = forged.length > 0 ? [...forged] : [`$${'x'.repeat(43)}` as EventId];
	const orphan = peer.build(room, message(bob, 'orphan'), {prevEvents, ...over});
	await peer.send(`orphan${Math.abs(peer.requests.length)}`, [toFederationEvent(orphan)]);
	const {staging} = app.application.services.federation.transactions;
	// What it rests on may be had another time: then it is tried again.
	const wasPutOff = () => app.readLog().includes('A staged event failed');
	await until(() => staging.waiting === 0 || wasPutOff(), 'the orphan was looked at');
	return orphan;
}

const paths = {
	get_missing_events: /get_missing_events/u,
	state: /\/(?:state|state_ids|event)\//u,
	event_auth: /event_auth/u,
	backfill: /backfill/u,
} as const;

for (const [name, asked] of Object.entries(paths)) {
	test(`B1: forged events in the answer of ${name} are left out`, async (t) => {
		const host = await startShared(t);
		const {peer, room} = host;
		const forged = forge(host);
		const all = forged.map(({json}) => json);
		const forgedIds = forged.map(({eventId}) => eventId);
		let count = 0;
		const state = [...room.state.values()].map((pdu) => toFederationEvent(pdu));
		const ids = [...room.state.values()].map(({eventId}) => eventId);
		peer.answer = ({url}) => {
			if (asked.test(url)) count += 1;
			const isLie = asked.test(url);
			if (url.includes('get_missing_events')) return {body: canonicalJson({events: isLie ? all : []})};
			if (url.includes('event_auth')) return {body: canonicalJson({auth_chain: [...state, ...(isLie ? all : [])]})};
			if (url.includes('backfill'))
				return {body: canonicalJson({pdus: isLie ? all : [], origin: 'x', origin_server_ts: 1})};
			if (url.includes('state_ids')) {
				return {body: canonicalJson({pdu_ids: [...ids, ...(isLie ? forgedIds : [])], auth_chain_ids: ids})};
			}
			if (url.includes('/state/')) return {body: canonicalJson({pdus: [...state, ...all], auth_chain: state})};
			const wanted = forged.find(({eventId}) => url.includes(path(eventId)));
			if (wanted) return {body: canonicalJson({pdus: [wanted.json], origin: 'x', origin_server_ts: 1})};
			return undefined;
		};
		const authEvents = name === 'event_auth' ? {authEvents: forgedIds.slice(0, 3)} : {};
		await sendOrphan(host, name === 'get_missing_events' ? forgedIds.slice(0, 5) : [], authEvents);
		// Reading back asks for what is missing.
		await timeline(host, host.roomId);
		t.deepEqual(await harmOf(host), []);
		// Nor is any kept to judge others by.
		t.is((await host.app.application.storage.events.findByIds(forgedIds)).size, 0);
		t.true(count > 0, 'the lie was asked for');
	});
}
