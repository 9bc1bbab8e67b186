import test from 'ava';
import {randomBytes} from 'node:crypto';
import type {UserId} from '../../../crypto/index.ts';
import {Authenticator, type Lie} from '../../harness/authenticator.ts';
import {ALICE, BOB, countPassed, openWorld, ORIGIN, refuses, type World} from './world.ts';

async function addPasskey(
	{factors}: World,
	userId: UserId = ALICE,
	authenticator = new Authenticator(ORIGIN),
): Promise<Authenticator> {
	const options = await factors.passkeys.beginRegistration(userId, 'set-up');
	await factors.addPasskey({userId, session: 'set-up', answer: authenticator.create(options), name: ' Phone '});
	return authenticator;
}

async function use(
	{factors}: World,
	authenticator: Authenticator,
	{userId, lie, session = 'session'}: {userId?: UserId; lie?: Lie; session?: string} = {},
): Promise<UserId> {
	const options = await factors.passkeys.beginAuthentication(session, userId);
	return factors.passkeys.authenticate({session, answer: authenticator.get(options, lie), userId});
}

test('a passkey signs its person in, named or not, and counts', async (t) => {
	const world = await openWorld(t);
	const authenticator = await addPasskey(world);
	t.is(await use(world, authenticator), ALICE);
	t.is(await use(world, authenticator, {userId: ALICE}), ALICE);
	const [passkey] = await world.factors.passkeys.list(ALICE);
	t.like(passkey, {name: 'Phone', lastUsedDay: Math.floor(world.clock.now() / 86_400_000)});
	t.is((await world.storage.factors.findPasskey(authenticator.credentialId))?.signCount, 2);
	t.false(await world.factors.isPasswordEnough({userId: ALICE, isAdmin: false}));
});

const lies: Readonly<Record<string, Lie>> = {
	'of another origin': {origin: 'https://matrix.news.example.evil.example'},
	'of the same host without https': {origin: 'http://matrix.news.example'},
	'of another port': {origin: 'https://matrix.news.example:8443'},
	'for another relying party': {rpId: 'news.example'},
	'to another challenge': {challenge: randomBytes(32).toString('base64url')},
	'from inside a frame': {crossOrigin: true},
	'without user verification': {isUnverified: true},
};

for (const [what, lie] of Object.entries(lies)) {
	test(`an answer ${what} neither signs in nor makes a passkey`, async (t) => {
		const world = await openWorld(t);
		const authenticator = await addPasskey(world);
		await refuses(t, use(world, authenticator, {lie}), 'wrong-passkey');
		const options = await world.factors.passkeys.beginRegistration(ALICE, 'again');
		const answer = new Authenticator(ORIGIN).create(options, lie);
		const registration = {userId: ALICE, session: 'again', answer, name: 'Key'};
		await refuses(t, world.factors.addPasskey(registration), 'wrong-passkey');
		t.is(await use(world, authenticator), ALICE);
	});
}

test('an answer of the other kind is refused', async (t) => {
	const world = await openWorld(t);
	const authenticator = await addPasskey(world);
	await refuses(t, use(world, authenticator, {lie: {type: 'webauthn.create'}}), 'wrong-passkey');
});

test('a counter that does not go on is a copy, and is refused', async (t) => {
	const world = await openWorld(t);
	const authenticator = await addPasskey(world);
	await use(world, authenticator, {lie: {signCount: 7}});
	for (const signCount of [7, 6, 0]) await refuses(t, use(world, authenticator, {lie: {signCount}}), 'wrong-passkey');
	t.is(await use(world, authenticator, {lie: {signCount: 8}}), ALICE);
});

test('an authenticator that does not count is taken again and again', async (t) => {
	const world = await openWorld(t);
	const authenticator = await addPasskey(world);
	for (let count = 0; count < 3; count += 1) t.is(await use(world, authenticator, {lie: {signCount: 0}}), ALICE);
});

test('where nobody is named, the authenticator must say for whom it answers', async (t) => {
	const world = await openWorld(t);
	const authenticator = await addPasskey(world);
	await refuses(t, use(world, authenticator, {lie: {userHandle: undefined}}), 'wrong-passkey');
	t.is(await use(world, authenticator, {userId: ALICE, lie: {userHandle: undefined}}), ALICE);
});

test('a challenge is answered once, in its session, in its time', async (t) => {
	const world = await openWorld(t);
	const {factors, clock} = world;
	const authenticator = await addPasskey(world);
	const answer = authenticator.get(await factors.passkeys.beginAuthentication('mine', undefined));
	const give = (session: string, userId?: UserId) => factors.passkeys.authenticate({session, answer, userId});
	await refuses(t, give('of a thief'), 'wrong-passkey');
	await refuses(t, give('mine', ALICE), 'wrong-passkey');
	t.is(await countPassed(64, () => give('mine')), 1);
	await refuses(t, give('mine'), 'wrong-passkey');
	const late = authenticator.get(await factors.passkeys.beginAuthentication('mine', undefined));
	clock.nowMs += 5 * 60 * 1000;
	await refuses(t, factors.passkeys.authenticate({session: 'mine', answer: late, userId: undefined}), 'wrong-passkey');
});

test('a wrong answer uses the challenge up', async (t) => {
	const world = await openWorld(t);
	const {factors} = world;
	const authenticator = await addPasskey(world);
	const options = await factors.passkeys.beginAuthentication('mine', undefined);
	const give = (answer: string) => factors.passkeys.authenticate({session: 'mine', answer, userId: undefined});
	await refuses(t, give(authenticator.get(options, {origin: 'https://evil.example'})), 'wrong-passkey');
	await refuses(t, give(authenticator.get(options)), 'wrong-passkey');
});

/** Gives the answers that come of an answer when each of its fields is another answer's. */
function swapEach(answer: string, other: string): Map<string, string> {
	type Answer = Record<string, unknown> & {response: Record<string, unknown>};
	const [mine, theirs]: Answer[] = [JSON.parse(answer), JSON.parse(other)];
	const swapped = new Map<string, string>();
	if (mine === undefined || theirs === undefined) return swapped;
	for (const field of ['id', 'rawId']) swapped.set(field, JSON.stringify({...mine, [field]: theirs[field]}));
	swapped.set('id and rawId', JSON.stringify({...mine, id: theirs['id'], rawId: theirs['rawId']}));
	for (const field of Object.keys(mine.response)) {
		const response = {...mine.response, [field]: theirs.response[field]};
		if (response[field] !== mine.response[field]) swapped.set(field, JSON.stringify({...mine, response}));
	}
	return swapped;
}

test("no field of an answer may be another person's", async (t) => {
	const world = await openWorld(t);
	const {passkeys} = world.factors;
	const [ofAlice, ofBob] = [await addPasskey(world), await addPasskey(world, BOB)];
	const fields = ['id', 'rawId', 'id and rawId', 'clientDataJSON', 'authenticatorData', 'signature', 'userHandle'];
	for (const field of fields) {
		for (const userId of [undefined, ALICE]) {
			const mine = ofAlice.get(await passkeys.beginAuthentication('mine', userId));
			const theirs = ofBob.get(await passkeys.beginAuthentication('theirs', undefined), {signCount: 99});
			const answer = swapEach(mine, theirs).get(field);
			t.not(answer, undefined, field);
			const given = passkeys.authenticate({session: 'mine', answer: answer ?? '', userId});
			await refuses(t, given, 'wrong-passkey');
		}
	}
	const whole = ofBob.get(await passkeys.beginAuthentication('mine', ALICE));
	await refuses(t, passkeys.authenticate({session: 'mine', answer: whole, userId: ALICE}), 'wrong-passkey');
});

test('no field of a registration may be that of another', async (t) => {
	const world = await openWorld(t);
	const {factors} = world;
	for (const field of ['id', 'rawId', 'id and rawId', 'clientDataJSON']) {
		const mine = new Authenticator(ORIGIN).create(await factors.passkeys.beginRegistration(ALICE, 'mine'));
		const theirs = new Authenticator(ORIGIN).create(await factors.passkeys.beginRegistration(BOB, 'theirs'));
		const answer = swapEach(mine, theirs).get(field) ?? '';
		await refuses(t, factors.addPasskey({userId: ALICE, session: 'mine', answer, name: 'Key'}), 'wrong-passkey');
	}
	const whole = new Authenticator(ORIGIN).create(await factors.passkeys.beginRegistration(BOB, 'mine'));
	await refuses(t, factors.addPasskey({userId: ALICE, session: 'mine', answer: whole, name: 'Key'}), 'wrong-passkey');
});

test('a passkey is set up once, by one person', async (t) => {
	const world = await openWorld(t);
	const authenticator = await addPasskey(world);
	for (const userId of [ALICE, BOB]) await refuses(t, addPasskey(world, userId, authenticator), 'passkey-exists');
	const options = await world.factors.passkeys.beginRegistration(ALICE, 'again');
	t.deepEqual(
		options.excludeCredentials?.map(({id}) => id),
		[authenticator.credentialId],
	);
});

test('an answer that is no answer is refused', async (t) => {
	const world = await openWorld(t);
	const {factors} = world;
	for (const answer of ['', '{', 'null', '[]', '{}', JSON.stringify({id: 'a', rawId: 'a', type: 'public-key'})]) {
		await factors.passkeys.beginAuthentication('mine', undefined);
		await refuses(t, factors.passkeys.authenticate({session: 'mine', answer, userId: undefined}), 'wrong-passkey');
		await factors.passkeys.beginRegistration(ALICE, 'mine');
		await refuses(t, factors.addPasskey({userId: ALICE, session: 'mine', answer, name: 'Key'}), 'wrong-passkey');
	}
});

test('what an authenticator knows a person by is not their name, and the same for all their passkeys', async (t) => {
	const {factors} = await openWorld(t);
	const first = await factors.passkeys.beginRegistration(ALICE, 'a');
	const second = await factors.passkeys.beginRegistration(ALICE, 'b');
	const other = await factors.passkeys.beginRegistration(BOB, 'c');
	t.is(first.user.id, second.user.id);
	t.not(first.user.id, other.user.id);
	t.is(Buffer.from(first.user.id, 'base64url').length, 64);
	t.like(first.authenticatorSelection, {residentKey: 'required', userVerification: 'required'});
	t.is(first.attestation, 'none');
});

test('passkeys are named and removed by their person, up to twenty of them', async (t) => {
	const world = await openWorld(t);
	const {factors} = world;
	const {credentialId} = await addPasskey(world);
	for (const name of ['', '   ', 'x'.repeat(65)]) {
		await refuses(t, factors.passkeys.rename(ALICE, credentialId, name), 'invalid-name');
	}
	await refuses(t, factors.passkeys.rename(BOB, credentialId, 'Mine'), 'unknown-passkey');
	await factors.passkeys.rename(ALICE, credentialId, 'Tablet');
	t.is((await factors.passkeys.list(ALICE))[0]?.name, 'Tablet');
	await refuses(t, factors.removePasskey(BOB, credentialId), 'unknown-passkey');
	for (let count = 1; count < 20; count += 1) await addPasskey(world);
	await refuses(t, factors.passkeys.beginRegistration(ALICE, 'set-up'), 'too-many-passkeys');
	await factors.removePasskey(ALICE, credentialId);
	t.is((await factors.passkeys.list(ALICE)).length, 19);
	t.deepEqual(world.told.slice(-1), [`${ALICE} passkey-removed`]);
});

test('of passkeys that are set up in several browsers together, only as many are kept as there may be', async (t) => {
	const world = await openWorld(t);
	const {factors} = world;
	for (let count = 0; count < 18; count += 1) await addPasskey(world);
	const sessions = ['a', 'b', 'c', 'd', 'e'];
	const answers = await Promise.all(
		sessions.map(async (session) => ({
			userId: ALICE,
			session,
			answer: new Authenticator(ORIGIN).create(await factors.passkeys.beginRegistration(ALICE, session)),
			name: session,
		})),
	);
	const outcomes = await Promise.allSettled(answers.map((answer) => factors.addPasskey(answer)));
	t.is((await factors.passkeys.list(ALICE)).length, 20);
	const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as Error] : []));
	t.is(refused.length, 3);
	for (const error of refused) t.like(error, {code: 'too-many-passkeys'});
});

for (const publicUrl of [
	'http://matrix.news.example',
	'https://203.0.113.7',
	'https://[2001:db8::7]',
	'http://127.0.0.1:8008',
]) {
	test(`there are no passkeys at ${publicUrl}`, async (t) => {
		const {factors} = await openWorld(t, {publicUrl});
		t.false(factors.passkeys.arePossible);
		await refuses(t, factors.passkeys.beginRegistration(ALICE, 'a'), 'no-passkeys-here');
		await refuses(t, factors.passkeys.beginAuthentication('a', undefined), 'no-passkeys-here');
	});
}

test('there are passkeys at localhost', async (t) => {
	const {factors} = await openWorld(t, {publicUrl: 'http://localhost:8008'});
	t.true(factors.passkeys.arePossible);
});
