import test from 'ava';
import * as fc from 'fast-check';
import type {ServerName} from '../../../crypto/index.ts';
import {claimedUserId, newUserId} from '../../../server/accounts/names.ts';
import {AccountsError} from '../../../server/accounts/index.ts';

const SERVER = 'news.example' as ServerName;
const seed = 7;

test('a new name is a user id that the same name claims, or it is refused', (t) => {
	const names = fc.oneof(fc.string({unit: 'binary'}), fc.stringMatching(/^[A-Za-z0-9._=/+-]{1,20}$/));
	fc.assert(
		fc.property(names, (name) => {
			try {
				const userId = newUserId(name, SERVER);
				t.regex(userId, /^@[a-z0-9.=/+-][a-z0-9._=/+-]*:news\.example$/);
				t.is(claimedUserId(name, SERVER), userId);
				t.is(claimedUserId(userId, SERVER), userId);
				t.is(newUserId(userId.slice(1, userId.indexOf(':')), SERVER), userId);
			} catch (error) {
				t.true(error instanceof AccountsError);
			}
		}),
		{seed, numRuns: 1_000},
	);
});

test('G4: only capitals of ASCII become small letters', (t) => {
	t.regex(newUserId('ALICE', SERVER), /^@alice:news\.example$/);
	// The Kelvin sign and the dotted capital I become ASCII letters in Unicode's eyes.
	for (const name of ['\u212Aelvin', 'L\u0130sa', 'ſam']) {
		t.throws(() => newUserId(name, SERVER), {instanceOf: AccountsError});
		t.is(claimedUserId(name, SERVER), undefined);
	}
});

test('a claimed name of another server, or of none, is nobody here', (t) => {
	for (const name of ['@alice:elsewhere.example', '@alice', '@alice:', '@:news.example', '', '@alice:NEWS.example']) {
		t.is(claimedUserId(name, SERVER), undefined);
	}
});

test('a whole user id has at most 255 bytes', (t) => {
	const longest = 255 - '@:news.example'.length;
	t.notThrows(() => newUserId('a'.repeat(longest), SERVER));
	t.throws(() => newUserId('a'.repeat(longest + 1), SERVER), {instanceOf: AccountsError});
});
