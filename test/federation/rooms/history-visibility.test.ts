import test from 'ava';
import {
	type HistoryVisibility,
	historyVisibilityOf,
	type Membership,
	mayUserSee,
	maySeeEvent,
	type Pdu,
} from '../../../federation/rooms/index.ts';
import {alice, bob, createTimeline} from './timeline.ts';

/** What a user sees of an event, by visibility; `later` where only for having joined since. */
const table: Record<Membership, Record<HistoryVisibility, 'yes' | 'later' | 'no'>> = {
	join: {world_readable: 'yes', shared: 'yes', invited: 'yes', joined: 'yes'},
	invite: {world_readable: 'yes', shared: 'later', invited: 'yes', joined: 'no'},
	knock: {world_readable: 'yes', shared: 'later', invited: 'no', joined: 'no'},
	leave: {world_readable: 'yes', shared: 'later', invited: 'no', joined: 'no'},
	ban: {world_readable: 'yes', shared: 'later', invited: 'no', joined: 'no'},
};

for (const [membership, row] of Object.entries(table) as [Membership, Record<HistoryVisibility, string>][]) {
	test(`who is ${membership} at an event sees it as the visibility says`, (t) => {
		for (const [visibility, expected] of Object.entries(row) as [HistoryVisibility, string][]) {
			const see = (joinedSince: boolean) =>
				maySeeEvent({visibilities: [visibility], memberships: [membership], joinedSince});
			t.is(see(false), expected === 'yes', visibility);
			t.is(see(true), expected !== 'no', visibility);
		}
	});
}

test('a visibility that is absent or not understood is shared', (t) => {
	const room = createTimeline({version: '12'});
	t.is(historyVisibilityOf(undefined), 'shared');
	for (const value of ['default', 5, null, ['joined']]) {
		const content = {history_visibility: value};
		t.is(
			historyVisibilityOf(room.build({type: 'm.room.history_visibility', sender: alice, stateKey: '', content})),
			'shared',
		);
	}
});

test('a change of the visibility is seen by whom the old or the new one lets see it', (t) => {
	const room = createTimeline({version: '12'});
	const set = (visibility: string): Pdu => {
		const before = room.state;
		const draft = {
			type: 'm.room.history_visibility',
			sender: alice,
			stateKey: '',
			content: {history_visibility: visibility},
		};
		const event = room.build(draft);
		t.is(mayUserSee(event, alice, before, false), true);
		return event;
	};
	const send = (visibility: string) =>
		room.send({
			type: 'm.room.history_visibility',
			sender: alice,
			stateKey: '',
			content: {history_visibility: visibility},
		});
	t.false(mayUserSee(set('joined'), bob, room.state, false));
	t.true(mayUserSee(set('world_readable'), bob, room.state, false));
	send('world_readable');
	t.true(mayUserSee(set('joined'), bob, room.state, false));
	send('joined');
	t.false(mayUserSee(room.build({type: 'm.room.message', sender: alice}), bob, room.state, true));
	t.true(mayUserSee(set('world_readable'), bob, room.state, false));
});

const member = (membership: string, sender = bob) => ({
	type: 'm.room.member',
	sender,
	stateKey: bob,
	content: {membership},
});

test('a user sees what made them a member and what ended it', (t) => {
	const room = createTimeline({version: '12', joinRules: {join_rule: 'public'}});
	room.send({type: 'm.room.history_visibility', sender: alice, stateKey: '', content: {history_visibility: 'joined'}});
	t.true(mayUserSee(room.build(member('join')), bob, room.state, false));
	t.false(mayUserSee(room.build(member('invite', alice)), bob, room.state, true));
	room.join(bob);
	t.true(mayUserSee(room.build(member('leave', alice)), bob, room.state, false));
	const kick = room.build(member('leave', alice));
	room.send(member('leave', alice));
	t.is(kick.type, 'm.room.member');
	t.false(mayUserSee(room.build({type: 'm.room.message', sender: alice}), bob, room.state, true));
	t.false(mayUserSee(room.build(member('ban', alice)), bob, room.state, true));
});

test('a server sees what any of its users sees', (t) => {
	const facts = {visibilities: ['invited' as const], joinedSince: false};
	t.true(maySeeEvent({...facts, memberships: ['leave', 'ban', 'invite']}));
	t.false(maySeeEvent({...facts, memberships: ['leave', 'ban', 'knock']}));
	t.false(maySeeEvent({...facts, memberships: []}));
	t.true(maySeeEvent({visibilities: ['shared'], memberships: [], joinedSince: true}));
});
