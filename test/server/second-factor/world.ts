/** The domain of second factors over a database of its own, with a clock that stands still. */
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import type {RandomBytes, ServerName, UserId} from '../../../crypto/index.ts';
import {
	createSecondFactor,
	type SecondFactor,
	type SecondFactorDependencies,
	SecondFactorError,
	type SecondFactorErrorCode,
} from '../../../server/second-factor/index.ts';
import {type AccountRow, openStorage, type Storage} from '../../../storage/index.ts';
import {systemRandom} from '../../../federation/engine/index.ts';
import {ManualClock} from '../../harness/index.ts';

export const ALICE = '@alice:news.example' as UserId;
export const BOB = '@bob:news.example' as UserId;
export const ORIGIN = 'https://matrix.news.example';

export interface World {
	readonly factors: SecondFactor;
	readonly clock: ManualClock;
	readonly storage: Storage;
	/** What people were told, as `person change`. */
	readonly told: string[];
	/** What the operator was told. */
	readonly problems: Error[];
	/** Makes the domain anew over the same database. */
	readonly reopen: (having: Partial<SecondFactorDependencies>) => SecondFactor;
}

/** An account with a password, which is not looked at here. */
const accountOf = (userId: UserId): AccountRow => ({
	userId,
	passwordHash: 'a hash',
	isAdmin: false,
	isGuest: false,
	isDeactivated: false,
	isLocked: false,
	isSuspended: false,
	isErased: false,
	createdDay: 20_000,
});

/** Opens one, with Alice and Bob in it. */
export async function openWorld(t: ExecutionContext, having: Partial<SecondFactorDependencies> = {}): Promise<World> {
	const directory = mkdtempSync(join(tmpdir(), 'broadsheet-factors-'));
	const storage = await openStorage({url: `sqlite:${join(directory, 'a.db')}`, serverName: 'news.example'});
	t.teardown(async () => {
		await storage.close();
		rmSync(directory, {recursive: true, force: true});
	});
	const people = storage.batch();
	for (const userId of [ALICE, BOB]) storage.accounts.add(people, accountOf(userId));
	await storage.commit(people);
	const clock = new ManualClock();
	const told: string[] = [];
	const problems: Error[] = [];
	const random: RandomBytes = (sizeBytes) => systemRandom.bytes(sizeBytes);
	const dependencies: SecondFactorDependencies = {
		storage,
		clock,
		random,
		secret: Buffer.alloc(32, 7),
		serverName: 'news.example' as ServerName,
		publicUrl: ORIGIN,
		isExempt: () => false,
		areSessionsHeld: false,
		identityProviderIds: ['idp'],
		policy: 'optional',
		notices: {add: (_batch, userId, {kind}) => void told.push(`${userId} ${kind}`)},
		onProblem: (problem) => void problems.push(problem),
		...having,
	};
	const reopen = (changes: Partial<SecondFactorDependencies>): SecondFactor =>
		createSecondFactor({...dependencies, ...changes});
	return {factors: reopen({}), clock, storage, told, problems, reopen};
}

/** Checks that something fails with this code. */
export async function refuses(
	t: ExecutionContext,
	promise: Promise<unknown>,
	code: SecondFactorErrorCode,
): Promise<SecondFactorError> {
	const error = await t.throwsAsync(promise, {instanceOf: SecondFactorError});
	t.is(error.code, code);
	return error;
}

/** How many of a number of tries at the same time come through. */
export async function countPassed(times: number, attempt: () => Promise<unknown>): Promise<number> {
	const outcomes = await Promise.allSettled(Array.from({length: times}, attempt));
	return outcomes.filter(({status}) => status === 'fulfilled').length;
}
