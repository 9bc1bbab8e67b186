import test from 'ava';
import {canonicalJson} from '../../../crypto/index.ts';
import {toFederationEvent} from '../../../federation/rooms/index.ts';
import {call, path, until} from '../../harness/index.ts';
import {bodies, say, startShared} from '../api/server-server/world.ts';

interface Section {
	readonly events: readonly {readonly event_id: string; readonly content: {readonly body?: string}}[];
	readonly limited: boolean;
	readonly prev_batch: string;
}

interface Answer {
	readonly next_batch: string;
	readonly rooms?: {readonly join?: Record<string, {readonly timeline: Section}>};
}

const bodiesOf = (section: Section | undefined) =>
	section?.events.map(({content}) => content.body).filter((body) => body !== undefined);

/** A room in which ten messages of a partner are missing before the last two, of which the last was sent. */
async function startWithGap(t: Parameters<typeof startShared>[0]) {
	const host = await startShared(t);
	const {app, peer, room, roomId, bob, alice} = host;
	const token = alice.access_token;
	const sync = (query: string) => call<Answer>(app, 'GET', `/_matrix/client/v3/sync?${query}`, {token});
	const begun = await sync('timeout=0');
	await say(host, roomId, 'before');
	const missing = Array.from({length: 10}, (_, index) => peer.message(room, bob, `missing ${index}`));
	const known = peer.message(room, bob, 'fetched');
	const sent = peer.message(room, bob, 'sent');
	const ids = [...room.state.values()].map(({eventId}) => eventId);
	peer.answer = ({url}) => {
		if (url.includes('/get_missing_events/')) {
			return {body: canonicalJson({events: [toFederationEvent(known)]})};
		}
		if (url.includes('/state_ids/')) return {body: canonicalJson({pdu_ids: ids, auth_chain_ids: ids})};
		if (url.includes('/backfill/')) {
			const pdus = missing.toReversed().map((pdu) => toFederationEvent(pdu));
			return {body: canonicalJson({origin: peer.name, origin_server_ts: 1, pdus})};
		}
		const asked = missing.find(({eventId}) => url.includes(encodeURIComponent(eventId)));
		return asked && url.includes('/event/')
			? {body: canonicalJson({origin: peer.name, origin_server_ts: 1, pdus: [toFederationEvent(asked)]})}
			: undefined;
	};
	t.is((await peer.send('gap', [toFederationEvent(sent)])).status, 200);
	const timelineSince = async (since: string) =>
		(await sync(`since=${since}&timeout=0`)).rooms?.join?.[roomId]?.timeline;
	await until(
		async () => (await timelineSince(begun.next_batch))?.events.some(({event_id: id}) => id === sent.eventId) === true,
		'the message that was sent',
	);
	return {host, sync, token, since: begun.next_batch, timelineSince};
}

test('a timeline begins anew where events are missing, and /messages goes on from there', async (t) => {
	const {host, sync, since, token, timelineSince} = await startWithGap(t);
	const {app, roomId} = host;
	const section = await timelineSince(since);
	t.true(section?.limited, 'what lies before the gap is not shown as if nothing were missing');
	t.deepEqual(bodiesOf(section), ['fetched', 'sent']);
	const first = (await sync('timeout=0')).rooms?.join?.[roomId]?.timeline;
	t.deepEqual([first?.limited, bodiesOf(first)], [true, ['fetched', 'sent']]);
	const page = await call<{chunk: Section['events']}>(
		app,
		'GET',
		`/_matrix/client/v3/rooms/${path(roomId)}/messages?dir=b&limit=12&from=${section?.prev_batch}`,
		{token},
	);
	t.deepEqual(
		page.chunk.slice(0, 11).map(({content}) => content.body),
		[...Array.from({length: 10}, (_, index) => `missing ${9 - index}`), 'before'],
	);
});

test('a gap that has been filled, or was there before a restart, still cuts a timeline', async (t) => {
	const {host, since, token, timelineSince} = await startWithGap(t);
	t.is((await bodies(host, host.roomId)).length, 13, 'paging back has filled it');
	t.deepEqual(bodiesOf(await timelineSince(since)), ['fetched', 'sent']);
	await host.app.application.stop();
	const again = await host.app.restart();
	const answer = await call<Answer>(again, 'GET', `/_matrix/client/v3/sync?since=${since}&timeout=0`, {token});
	const section = answer.rooms?.join?.[host.roomId]?.timeline;
	t.deepEqual([section?.limited, bodiesOf(section)], [true, ['fetched', 'sent']]);
});
