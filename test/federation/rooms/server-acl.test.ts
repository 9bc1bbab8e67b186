import test from 'ava';
import * as fc from 'fast-check';
import {isServerName, type JsonObject} from '../../../crypto/index.ts';
import {isServerAllowed, type Pdu} from '../../../federation/rooms/index.ts';
import {alice, createTimeline} from './timeline.ts';
import {processorTime} from '../../harness/processor-time.ts';

const room = createTimeline({version: '12'});

function acl(content: JsonObject): Pdu {
	return {...room.build({type: 'm.room.server_acl', sender: alice, stateKey: ''}), content};
}

test('a room without a list lets every server in', (t) => {
	t.true(isServerAllowed(undefined, 'any.example'));
});

test('a list that allows nobody denies everybody, whatever is wrong with it', (t) => {
	for (const content of [{}, {allow: []}, {allow: '*'}, {allow: {'*': true}}, {allow: [5, null, ['*']]}, {deny: []}]) {
		t.false(isServerAllowed(acl(content as JsonObject), 'any.example'), JSON.stringify(content));
	}
});

test('denied beats allowed, and neither case nor port makes a difference (C9)', (t) => {
	const list = acl({allow: ['*'], deny: ['Evil.example', '*.bad.example', 'x?.example', 5]});
	for (const [server, allowed] of [
		['good.example', true],
		['evil.example', false],
		['EVIL.EXAMPLE', false],
		['evil.example:8448', false],
		['evil.example:1', false],
		['notevil.example', true],
		['evil.example.org', true],
		['a.bad.example', false],
		['A.Bad.Example:443', false],
		['bad.example', true],
		['x1.example', false],
		['x.example', true],
		['x12.example', true],
	] as const) {
		t.is(isServerAllowed(list, server), allowed, server);
	}
});

test('a name that is no server name is let into no room with a list (C9)', (t) => {
	for (const name of [
		'',
		'a b',
		'evil.example:',
		'evil.example:99999',
		'x\u0000',
		'.',
		'a..example',
		'[::1',
		'[not::ip]',
		'256.1.1.1',
		'\u212A.example',
	]) {
		t.false(isServerAllowed(acl({allow: ['*']}), name), name);
	}
});

test('address literals are let in unless the list says false (C9)', (t) => {
	for (const server of ['1.2.3.4', '1.2.3.4:8448', '[::1]', '[2001:DB8::1]:8448']) {
		t.false(isServerAllowed(acl({allow: ['*'], allow_ip_literals: false}), server));
		for (const other of [true, 'false', 0, null]) {
			t.true(isServerAllowed(acl({allow: ['*'], allow_ip_literals: other}), server));
		}
	}
	t.true(isServerAllowed(acl({allow: ['*'], allow_ip_literals: false}), '1.2.3.4.example'));
	t.false(isServerAllowed(acl({allow: ['*'], deny: ['[2001:db8::1]']}), '[2001:DB8::1]:8448'));
	t.false(isServerAllowed(acl({allow: ['*'], deny: ['10.*']}), '10.0.0.1'));
});

test('a non-ASCII pattern matches no name that only looks alike (C9)', (t) => {
	// The Kelvin sign lower-cases to k in Unicode.
	t.true(isServerAllowed(acl({allow: ['*'], deny: ['\u212Aelvin.example']}), 'kelvin.example'));
});

/** The pattern language by its definition, as slow as it likes to be. */
function matchesByDefinition(pattern: string, text: string): boolean {
	if (pattern === '') return text === '';
	const [first, rest] = [pattern[0], pattern.slice(1)];
	if (first === '*') {
		return matchesByDefinition(rest, text) || (text !== '' && matchesByDefinition(pattern, text.slice(1)));
	}
	return text !== '' && (first === '?' || first === text[0]) && matchesByDefinition(rest, text.slice(1));
}

test('patterns match exactly what the definition says', (t) => {
	const pattern = fc.string({unit: fc.constantFrom('a', 'b', '*', '?', '.'), maxLength: 9});
	// Names with empty labels are none, and not let in whatever the pattern.
	const name = fc.string({unit: fc.constantFrom('a', 'b', '.'), minLength: 1, maxLength: 9}).filter(isServerName);
	const longName = fc.string({unit: fc.constantFrom('a', 'b'), minLength: 60, maxLength: 80});
	const inside = fc.tuple(longName, fc.nat(30), fc.nat(45), fc.nat(80)).map(([text, start, length, hole]) => {
		const piece = text.slice(start, start + length).split('');
		return {text, glob: `*${piece.map((unit, index) => (index % 7 === hole % 7 ? '?' : unit)).join('')}*b`};
	});
	fc.assert(
		fc.property(pattern, name, (glob, server) => {
			return isServerAllowed(acl({allow: [glob]}), server) === matchesByDefinition(glob, server);
		}),
		{seed: 20_261_123, numRuns: 20_000},
	);
	fc.assert(
		fc.property(inside, longName, ({glob, text}, other) =>
			[text, other].every(
				(server) => isServerAllowed(acl({allow: [glob]}), server) === matchesByDefinition(glob, server),
			),
		),
		{seed: 20_261_123, numRuns: 2_000},
	);
	t.pass();
});

test('64 KiB of hostile patterns cost milliseconds (C9, F9)', (t) => {
	const name = 'a'.repeat(250);
	for (const deny of [
		['*a'.repeat(30_000)],
		[`${'*a'.repeat(120)}b`],
		Array.from({length: 250}, () => `${'*a'.repeat(127)}b`),
		Array.from({length: 1_000}, (_, index) => `*${'a'.repeat(60)}?${index}*`),
		['*'.repeat(60_000)],
		Array.from({length: 250}, () => `*${'?'.repeat(200)}b*`),
	]) {
		const list = acl({allow: ['*'], deny});
		isServerAllowed(list, 'warm.example');
		const before = processorTime();
		isServerAllowed(list, name);
		const ms = processorTime() - before;
		t.true(ms < 200, `${ms} ms for ${deny[0]?.slice(0, 20)}`);
	}
});
