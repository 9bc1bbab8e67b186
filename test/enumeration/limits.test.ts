import test from 'ava';
import {countFacts} from './recipes/limits.ts';
import type {Subject} from './subjects.ts';

const subject = (name: string, isHere: boolean): Subject => ({kind: 'person', class: 'x', isHere, name});

test('an answer that names of both sides get tells nothing, and one that only one side gets tells of each name once', (t) => {
	const [ann, bob, nobody] = [subject('ann', true), subject('bob', true), subject('nobody', false)];
	const limited = [ann, bob, nobody].map((who) => ({subject: who, seen: `429\nretry-after: ${who.name.length}`}));
	t.is(countFacts(limited), 0);
	t.is(countFacts([...limited, {subject: ann, seen: '400'}, {subject: ann, seen: '400'}]), 1);
	t.is(countFacts([...limited, {subject: ann, seen: '400'}, {subject: nobody, seen: '200'}]), 2);
	t.is(countFacts([...limited, {subject: ann, seen: '200'}, {subject: nobody, seen: '200'}]), 0);
});
