/** Section A of the list of threats, as what another server answers when it is asked for something. */
import test from 'ava';
import {canonicalJson, type JsonObject} from '../../../../crypto/index.ts';
import {toFederationEvent} from '../../../../federation/rooms/index.ts';
import {type Answer, path, request, until} from '../../../harness/index.ts';
import {bodies, startShared} from '../server-server/world.ts';
import {brokenBodies, mutationsOf} from './hostile-json.ts';

const V3 = '/_matrix/client/v3';

type Shared = Awaited<ReturnType<typeof startShared>>;

/** A question that a client's request makes this server ask, and what an honest server would answer. */
interface Question {
	readonly asked: RegExp;
	readonly honest: object;
	/** What the same server answers honestly before. */
	readonly before?: readonly [RegExp, () => object];
	readonly ask: () => Promise<Answer<unknown>>;
}

function questionsTo(host: Shared): Readonly<Record<string, Question>> {
	const {app, peer, room, roomId, bob, alice} = host;
	const options = (body?: object) => ({token: alice.access_token, ...(body && {body})});
	let count = 0;
	const fresh = (): string => `n${(count += 1)}`;
	// Of a room that was entered nothing is asked again.
	let elsewhere = `!${fresh()}:${peer.name}`;
	const protoOf = (membership: string): object => ({
		room_version: '10',
		event: {
			type: 'm.room.member',
			sender: alice.user_id,
			state_key: alice.user_id,
			room_id: elsewhere,
			content: {membership, join_authorised_via_users_server: bob},
			origin_server_ts: 1,
			depth: 5,
			prev_events: [`$${'a'.repeat(43)}`],
			auth_events: [`$${'b'.repeat(43)}`],
		},
	});
	const event = toFederationEvent(
		peer.build(room, {type: 'm.room.topic', sender: bob, stateKey: '', content: {topic: 'x'}}),
	);
	const device = {user_id: bob, device_id: 'D', algorithms: ['a'], keys: {'ed25519:D': 'a'}, signatures: {}};
	const master = {user_id: bob, usage: ['master'], keys: {'ed25519:a': 'a'}};
	const enter = (how: 'join' | 'knock') => () => {
		elsewhere = `!${fresh()}:${peer.name}`;
		return request(app, 'POST', `${V3}/${how}/${path(elsewhere)}?via=${path(peer.name)}`, options({}));
	};
	return {
		profile: {
			asked: /query\/profile/u,
			honest: {displayname: 'Bob', avatar_url: 'mxc://a/b', 'org.example': {a: 1}},
			ask: () => request(app, 'GET', `${V3}/profile/${path(bob)}`, options()),
		},
		alias: {
			asked: /query\/directory/u,
			honest: {room_id: '!a:b', servers: ['a.example', 'b.example']},
			ask: () => request(app, 'GET', `${V3}/directory/room/${path(`#${fresh()}:${peer.name}`)}`, options()),
		},
		'template of a join': {asked: /make_join/u, honest: protoOf('join'), ask: enter('join')},
		join: {
			asked: /send_join/u,
			honest: {state: [event], auth_chain: [event], event, members_omitted: false, servers_in_room: ['a.example']},
			before: [/make_join/u, () => protoOf('join')],
			ask: enter('join'),
		},
		'template of a knock': {asked: /make_knock/u, honest: protoOf('knock'), ask: enter('knock')},
		knock: {
			asked: /send_knock/u,
			honest: {knock_room_state: [{type: 'm.room.name', state_key: '', sender: bob, content: {name: 'x'}}]},
			before: [/make_knock/u, () => protoOf('knock')],
			ask: enter('knock'),
		},
		invite: {
			asked: /v2\/invite/u,
			honest: {event},
			ask: () => request(app, 'POST', `${V3}/rooms/${path(roomId)}/invite`, options({user_id: peer.userId(fresh())})),
		},
		devices: {
			asked: /user\/(?:devices|keys\/query)/u,
			honest: {
				user_id: bob,
				stream_id: 3,
				devices: [{device_id: 'D', keys: device}],
				master_key: master,
				device_keys: {[bob]: {D: device}},
				master_keys: {[bob]: master},
			},
			async ask() {
				// A list that was had is kept until its server tells of news; a server that failed is left alone for a while.
				app.advance(60_000);
				const news = {user_id: bob, device_id: 'D', stream_id: (count += 1), prev_id: [0], deleted: true};
				await peer.sendEdu(fresh(), 'm.device_list_update', news);
				return request(app, 'POST', `${V3}/keys/query`, options({device_keys: {[bob]: []}}));
			},
		},
		'one-time keys': {
			asked: /keys\/claim/u,
			honest: {
				one_time_keys: {[bob]: {D: {'signed_curve25519:A': {key: 'a', signatures: {[bob]: {'ed25519:D': 'x'}}}}}},
			},
			ask() {
				app.advance(60_000);
				return request(app, 'POST', `${V3}/keys/claim`, options({one_time_keys: {[bob]: {D: 'signed_curve25519'}}}));
			},
		},
		media: {
			asked: /media\//u,
			honest: {},
			ask: () => request(app, 'GET', `/_matrix/client/v1/media/download/${peer.name}/${fresh()}`, options()),
		},
	};
}

/** Takes at most so many of the mutations of one answer, evenly, since each costs requests between two servers. */
function some(mutations: Iterable<string>, most = 250): string[] {
	const all = [...mutations];
	const step = Math.max(1, all.length / most);
	return Array.from({length: Math.min(all.length, most)}, (_, index) => all[Math.floor(index * step)]!);
}

const broken = Object.values(brokenBodies).flat();

test('A9: whatever another server answers is an answer or an error to who asked, and never ends this server', async (t) => {
	const host = await startShared(t);
	const {app, peer} = host;
	for (const [name, {asked, honest, before, ask}] of Object.entries(questionsTo(host))) {
		let count = 0;
		const texts = [...broken, ...some(mutationsOf(JSON.parse(canonicalJson(honest))))];
		for (const text of texts) {
			peer.answer = ({url}) => {
				if (before?.[0].test(url)) return {body: before[1]()};
				if (!asked.test(url)) return undefined;
				count += 1;
				return {body: text};
			};
			const answer = await ask();
			// A server that talks nonsense is as good as none: 502. This server's own failure would be 500.
			if (answer.status === 500) t.fail(`${name} ${text.toString().slice(0, 200)}: ${answer.text}`);
		}
		t.true(count >= texts.length / 2, `${name} was asked ${count} times`);
	}
	t.false(app.readLog().includes('A request failed unexpectedly'));
	t.is((await request(app, 'GET', '/_matrix/client/versions')).status, 200);
});

test('A12: whatever a server answers about the past of an event, the room goes on', async (t) => {
	const host = await startShared(t);
	const {app, peer, room, roomId, bob} = host;
	const {staging} = app.application.services.federation.transactions;
	const event = toFederationEvent(
		peer.build(room, {type: 'm.room.topic', sender: bob, stateKey: '', content: {topic: 'x'}}),
	);
	const ids = [`$${'a'.repeat(43)}`];
	const honest: readonly JsonObject[] = [
		{pdu_ids: ids, auth_chain_ids: ids},
		{events: [event]},
		{pdus: [event], auth_chain: [event], origin: peer.name, origin_server_ts: 1},
	];
	let count = 0;
	for (const text of [
		...broken,
		...honest.flatMap((answer) => some(mutationsOf(JSON.parse(canonicalJson(answer))), 100)),
	]) {
		peer.answer = ({url}) =>
			/state_ids|get_missing|backfill|\/event\/|\/state\/|event_auth/u.test(url) ? {body: text} : undefined;
		const prevEvents = [`$${String((count += 1)).padStart(43, 'x')}`] as never;
		const orphan = peer.build(
			room,
			{type: 'm.room.message', sender: bob, content: {msgtype: 'm.text', body: 'orphan'}},
			{prevEvents},
		);
		t.is((await peer.send(`orphan${count}`, [toFederationEvent(orphan)])).status, 200);
		// What cannot be had may be had later; a queue of what waits for it would be refused.
		if (!staging.hasRoomFor(peer.name)) break;
	}
	peer.answer = () => undefined;
	const alive = peer.message(room, bob, 'still here');
	await peer.send('alive', [toFederationEvent(alive)]);
	await until(async () => (await bodies(host, roomId)).includes('still here'), 'the message after them', 120_000);
	t.false((await bodies(host, roomId)).includes('orphan'));
	t.true(count > 100);
});

/** Errors that a client takes for the end of its own session or account. */
const ABOUT_SESSIONS = [
	'M_UNKNOWN_TOKEN',
	'M_MISSING_TOKEN',
	'M_USER_LOCKED',
	'M_USER_SUSPENDED',
	'M_USER_DEACTIVATED',
	'M_CONSENT_NOT_GIVEN',
	'M_RESOURCE_LIMIT_EXCEEDED',
];

test('D8: no error of another server is one of this server’s own sessions, or is told in its words', async (t) => {
	const host = await startShared(t);
	const {app, alice, peer} = host;
	for (const [name, {asked, before, ask}] of Object.entries(questionsTo(host))) {
		let count = 0;
		const refuse = async (status: number, body: object | string) => {
			peer.answer = ({url}) => {
				if (before?.[0].test(url)) return {body: before[1]()};
				if (!asked.test(url)) return undefined;
				count += 1;
				return {status, body};
			};
			const {status: told, body: answer, text} = await ask();
			const what = `${name}, ${status} ${JSON.stringify(body).slice(0, 60)}: ${told} ${text}`;
			t.not(told, 401, what);
			t.not(told, 500, what);
			// What a profile holds is its owner's to say, and no error.
			if (told === 200) return;
			t.false(text.includes('SECRET') || text.includes('soft_logout'), what);
			t.false(ABOUT_SESSIONS.includes((answer as {errcode?: string}).errcode ?? ''), what);
		};
		for (const errcode of ABOUT_SESSIONS) {
			await refuse(401, {errcode, error: 'SECRET', soft_logout: true});
			await refuse(403, {errcode, error: 'SECRET', soft_logout: true});
		}
		await refuse(500, '<html>SECRET</html>');
		await refuse(200, {errcode: 'M_UNKNOWN_TOKEN', error: 'SECRET', soft_logout: true});
		t.true(count > 0, `${name} was asked ${count} times`);
	}
	t.is((await request(app, 'GET', `${V3}/account/whoami`, {token: alice.access_token})).status, 200);
});
