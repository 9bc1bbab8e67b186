import test, {type ExecutionContext} from 'ava';
import type {UserId} from '../../../../crypto/index.ts';
import {
	type AuthData,
	AuthenticationRequired,
	type Challenge,
	createUiaSessions,
	createUserInteractiveAuth,
	type Flow,
	type StageChecks,
	type StageVerdict,
	type UiaRequest,
} from '../../../../server/accounts/uia/index.ts';

const ALICE = '@alice:localhost' as UserId;
const BOB = '@bob:localhost' as UserId;
const PASSWORD_FLOW: readonly Flow[] = [{stages: ['m.login.password']}];
const TWO_STAGES: readonly Flow[] = [{stages: ['m.login.registration_token', 'm.login.dummy']}];

function setUp() {
	const clock = {nowMs: 1_000_000};
	const account = {mark: 'first password', recoveryCodes: 10};
	let count = 0;
	const sessions = createUiaSessions(
		() => clock.nowMs,
		() => `session-${(count += 1)}`,
	);
	const wrong: StageVerdict = {passed: false, errcode: 'M_FORBIDDEN', error: 'Wrong'};
	const checks: StageChecks = {
		'm.login.dummy': async () => ({passed: true, proof: ''}),
		'm.login.password': async ({auth, subject}) =>
			auth['password'] === `password of ${subject}` ? {passed: true, proof: ''} : wrong,
		'm.login.registration_token': async ({auth}) =>
			auth['token'] === 'ticket' ? {passed: true, proof: 'hash of ticket'} : wrong,
		'm.login.email.identity': async () => wrong,
		'org.broadsheet.login.second_factor': async () => wrong,
	};
	const uia = createUserInteractiveAuth(sessions, checks, async () => ({...account}));
	const request = (auth: AuthData | undefined, changes: Partial<UiaRequest> = {}) =>
		uia.require({purpose: 'deleteDevice', subject: ALICE, flows: PASSWORD_FLOW, source: '::1', auth, ...changes});
	return {account, clock, checks, sessions, uia, request};
}

async function challengeOf(t: ExecutionContext, promise: Promise<unknown>): Promise<Challenge> {
	const error = await t.throwsAsync(promise, {instanceOf: AuthenticationRequired});
	return error.challenge;
}

const password = (session?: string) => ({
	type: 'm.login.password',
	password: `password of ${ALICE}`,
	...(session === undefined ? {} : {session}),
});

test('the first call without auth is always challenged, even where a dummy would do', async (t) => {
	const {request} = setUp();
	const dummy: readonly Flow[] = [{stages: ['m.login.dummy']}];
	const challenge = await challengeOf(t, request(undefined, {flows: dummy}));
	t.deepEqual(challenge, {flows: dummy, params: {}, session: 'session-1'});
});

test('a flow of one stage passes with its session, and without one', async (t) => {
	const {request} = setUp();
	const {session} = await challengeOf(t, request(undefined));
	await t.notThrowsAsync(request(password(session)));
	await t.notThrowsAsync(request(password()));
});

test('E9: a completed session is consumed by the operation it allowed', async (t) => {
	const {request, uia} = setUp();
	const {session} = await challengeOf(t, request(undefined));
	const completed = await request(password(session));
	t.is((await challengeOf(t, request({session}))).errcode, 'M_FORBIDDEN');
	uia.reopen(completed);
	await t.notThrowsAsync(request({session}));
});

test('E13: of two requests that complete one session at once, one has it', async (t) => {
	const {request} = setUp();
	const {session} = await challengeOf(t, request(undefined));
	const outcomes = await Promise.allSettled([request(password(session)), request(password(session))]);
	t.is(outcomes.filter((outcome) => outcome.status === 'fulfilled').length, 1);
});

test('a failed attempt keeps flows and session beside the error', async (t) => {
	const {request} = setUp();
	const {session} = await challengeOf(t, request(undefined));
	const challenge = await challengeOf(t, request({type: 'm.login.password', password: 'no', session}));
	t.deepEqual(challenge, {errcode: 'M_FORBIDDEN', error: 'Wrong', flows: PASSWORD_FLOW, params: {}, session});
	await t.notThrowsAsync(request(password(session)));
});

test('stages are completed in their order, and completed ones are listed', async (t) => {
	const {request} = setUp();
	const changes = {purpose: 'register', subject: undefined, flows: TWO_STAGES};
	const {session} = await challengeOf(t, request(undefined, changes));
	const early = await challengeOf(t, request({type: 'm.login.dummy', session}, changes));
	t.is(early.errcode, 'M_FORBIDDEN');
	t.is(early.completed, undefined);
	const token = {type: 'm.login.registration_token', token: 'ticket', session};
	t.deepEqual((await challengeOf(t, request(token, changes))).completed, ['m.login.registration_token']);
	// A stage that is completed is not checked again: its answer is that of the session.
	const again = await challengeOf(t, request({...token, token: 'another'}, changes));
	t.deepEqual(again.completed, ['m.login.registration_token']);
	t.is(again.errcode, undefined);
	const completed = await request({type: 'm.login.dummy', session}, changes);
	t.is(completed.session.completed.get('m.login.registration_token'), 'hash of ticket');
});

for (const [what, changes] of [
	['another operation', {purpose: 'changePassword'}],
	['another account', {subject: BOB}],
	['another target', {target: 'DEVICE'}],
] as const) {
	test(`E9: a session completed for one binding is unknown to ${what}`, async (t) => {
		const {request, uia} = setUp();
		const {session} = await challengeOf(t, request(undefined));
		await uia.attempt(session, {stage: 'm.login.password', auth: password(), source: '::1'});
		const challenge = await challengeOf(t, request({session}, changes));
		t.is(challenge.errcode, 'M_FORBIDDEN');
		t.not(challenge.session, session);
		await t.notThrowsAsync(request({session}));
	});
}

test('a stage completed out of band counts when the request comes again with the session alone', async (t) => {
	const {request, uia} = setUp();
	const {session} = await challengeOf(t, request(undefined));
	t.true(uia.isWaitingFor(session, 'm.login.password'));
	t.false(uia.isWaitingFor(session, 'm.login.dummy'));
	t.is((await challengeOf(t, request({session}))).completed, undefined);
	const verdict = await uia.attempt(session, {stage: 'm.login.password', auth: password(), source: '::1'});
	t.true(verdict?.passed);
	t.false(uia.isWaitingFor(session, 'm.login.password'));
	await t.notThrowsAsync(request({session}));
	t.is(await uia.attempt('unknown', {stage: 'm.login.dummy', auth: {}, source: '::1'}), undefined);
});

test('a session ends with the password and the factors that it was opened for, and not with a code that is used', async (t) => {
	const {account, request, uia} = setUp();
	for (const change of [{mark: 'another password'}, {recoveryCodes: 10}]) {
		account.recoveryCodes = 10;
		const {session} = await challengeOf(t, request(undefined));
		account.recoveryCodes = 9;
		await uia.attempt(session, {stage: 'm.login.password', auth: password(), source: '::1'});
		Object.assign(account, change);
		const challenge = await challengeOf(t, request({session}));
		t.is(challenge.errcode, 'M_FORBIDDEN');
		t.not(challenge.session, session);
		t.is(challenge.completed, undefined);
	}
	account.recoveryCodes = 8;
	const {session} = await challengeOf(t, request(undefined));
	account.recoveryCodes = 7;
	await t.notThrowsAsync(request(password(session)));
});

test('a password that is changed while the old one is checked lets nothing through, nor does a session that is given back', async (t) => {
	const {account, checks, request, sessions, uia: first} = setUp();
	const changing: StageChecks = {
		...checks,
		async 'm.login.password'() {
			account.mark = 'another password';
			return {passed: true, proof: ''};
		},
	};
	const uia = createUserInteractiveAuth(sessions, changing, async () => ({...account}));
	const binding = {purpose: 'deleteDevice', subject: ALICE, flows: PASSWORD_FLOW, source: '::1'};
	t.is((await challengeOf(t, uia.require({...binding, auth: password()}))).errcode, 'M_FORBIDDEN');
	const {session} = await challengeOf(t, request(undefined));
	const completed = await request(password(session));
	account.mark = 'a third password';
	first.reopen(completed);
	t.is((await challengeOf(t, request({session}))).errcode, 'M_FORBIDDEN');
});

test('a session ends after a quarter of an hour', async (t) => {
	const {clock, request} = setUp();
	const {session} = await challengeOf(t, request(undefined));
	clock.nowMs += 15 * 60 * 1000;
	const challenge = await challengeOf(t, request({session}));
	t.is(challenge.errcode, 'M_FORBIDDEN');
	t.not(challenge.session, session);
});

test('a session is closed by its tenth failure', async (t) => {
	const {request} = setUp();
	const {session} = await challengeOf(t, request(undefined));
	for (let attempt = 1; attempt < 10; attempt += 1) {
		t.is((await challengeOf(t, request({type: 'm.login.password', session}))).session, session);
	}
	t.not((await challengeOf(t, request({type: 'm.login.password', session}))).session, session);
});

test('a flood of registrations closes the oldest of them, and never the session of an account', async (t) => {
	const {request, sessions} = setUp();
	const {session} = await challengeOf(t, request(undefined));
	const binding = {purpose: 'register', subject: undefined, target: ''};
	const first = sessions.open(binding, TWO_STAGES);
	for (let count = 1; count <= 10_000; count += 1) {
		sessions.open(binding, TWO_STAGES);
	}
	t.is(sessions.find(first.id), undefined);
	t.not(sessions.find(session), undefined);
});
