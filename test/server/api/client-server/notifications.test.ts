import test from 'ava';
import {type ClientEvent, newsroom, room} from './newsroom.ts';
import {read} from './sync-answers.ts';

interface Page {
	readonly notifications: readonly {
		readonly actions: readonly unknown[];
		readonly event: ClientEvent;
		readonly read: boolean;
		readonly room_id: string;
		readonly ts: number;
	}[];
	readonly next_token?: string;
}

test('what somebody was notified of is listed, the newest first, page by page', async (t) => {
	const {alice, bob} = await newsroom(t);
	const [first, second] = [await alice.create({preset: 'public_chat'}), await alice.create({preset: 'public_chat'})];
	await alice.say(first, 'before');
	await bob.join(first);
	await bob.join(second);
	const one = await alice.say(first, 'one');
	await alice.say(second, 'two');
	await alice.do('PUT', `${room(first)}/send/m.room.message/3`, {
		msgtype: 'm.text',
		body: 'three',
		'm.mentions': {user_ids: [bob.id]},
	});
	await alice.do('PUT', `${room(first)}/send/m.room.message/4`, {msgtype: 'm.notice', body: 'four'});
	await read(bob, first, one);
	const page = await bob.do<Page>('GET', '/notifications?limit=2');
	t.deepEqual(
		page.notifications.map(({event, read: isRead}) => [event.content['body'], isRead]),
		[
			['three', false],
			['two', false],
		],
	);
	t.is(page.notifications[0]?.room_id, first);
	t.true(page.notifications[0]?.actions.includes('notify'));
	const rest = await bob.do<Page>('GET', `/notifications?from=${page.next_token}&limit=2`);
	t.deepEqual(
		rest.notifications.map(({event, read: isRead}) => [event.content['body'], isRead]),
		[['one', true]],
	);
	t.is(rest.next_token, undefined);
	const highlights = await bob.do<Page>('GET', '/notifications?only=highlight');
	t.deepEqual(
		highlights.notifications.map(({event}) => event.content['body']),
		['three'],
	);
	t.deepEqual((await alice.do<Page>('GET', '/notifications')).notifications, []);
});

test('tokens that nobody gave out are refused', async (t) => {
	const {alice} = await newsroom(t);
	for (const query of ['from=x', 'from=n-1', 'from=n99999999999999999', 'limit=0', 'limit=x']) {
		t.is((await alice.ask('GET', `/notifications?${query}`)).body['errcode'], 'M_INVALID_PARAM', query);
	}
});
