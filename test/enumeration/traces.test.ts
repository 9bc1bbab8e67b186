import test from 'ava';
import {findTraces} from './traces.ts';

const names = new Set(['@ann:news.example', '@bob:news.example']);

test('what a document says of two names is the same where only names, ids and times differ', (t) => {
	const memberOf = (name: string, n: number) => ({
		type: 'm.room.member',
		state_key: name,
		event_id: `$${n}`,
		origin_server_ts: n,
		content: {membership: 'invite'},
	});
	const traces = findTraces(
		{rooms: {join: {'!a': {events: [memberOf('@ann:news.example', 1), memberOf('@bob:news.example', 2)]}}}},
		names,
	);
	t.deepEqual(traces.get('@ann:news.example'), traces.get('@bob:news.example'));
	t.is(traces.get('@ann:news.example')?.length, 1);
});

test('a name that stands in one place more, or with something more, is told from another', (t) => {
	const keys = findTraces({device_keys: {'@ann:news.example': {D: {}}, '@bob:news.example': {}}}, names);
	t.notDeepEqual(keys.get('@ann:news.example'), keys.get('@bob:news.example'));
	const changed = findTraces({device_lists: {changed: ['@ann:news.example']}}, names);
	t.deepEqual(changed.get('@ann:news.example'), ['/device_lists/changed/* null']);
	t.is(changed.get('@bob:news.example'), undefined);
	const profile = {content: {membership: 'invite', displayname: 'Ann'}, state_key: '@ann:news.example'};
	const other = {content: {membership: 'invite'}, state_key: '@bob:news.example'};
	const members = findTraces({chunk: [profile, other]}, names);
	t.notDeepEqual(members.get('@ann:news.example'), members.get('@bob:news.example'));
});
