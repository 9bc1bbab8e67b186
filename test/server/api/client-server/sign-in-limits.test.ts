/** Who guesses passwords is stopped, and whose name it is gets in all the same. */
import test, {type ExecutionContext} from 'ava';
import {type App, login, passwordOf, register, startApp} from '../../../harness/index.ts';

const RATES = {
	login: {per_second: 0.001, burst: 1000},
	'login-whole': {per_second: 0.001, burst: 1000},
	'login-besieged': {per_second: 0.001, burst: 1},
	'login-name': {per_second: 0.001, burst: 3},
	'login-name-everywhere': {per_second: 0.001, burst: 6},
	'login-name-besieged': {per_second: 0.001, burst: 1},
	'login-device': {per_second: 0.001, burst: 3},
};

const start = async (t: ExecutionContext, rates: object = {}): Promise<App> => {
	const app = await startApp(t, {
		config: {rate_limits: {...RATES, registration: {per_second: 1, burst: 50}, ...rates}},
	});
	await register(app, 'alice');
	return app;
};

/** Tries a password from some address, as a proxy tells of it: the answer's status. */
async function signIn(app: App, user: string, from: string, password = 'wrong password', more: object = {}) {
	const reply = await fetch(`${app.url}/_matrix/client/v3/login`, {
		method: 'POST',
		headers: {'content-type': 'application/json', 'x-forwarded-for': from},
		body: JSON.stringify({type: 'm.login.password', identifier: {type: 'm.id.user', user}, password, ...more}),
	});
	await reply.text();
	return reply.status;
}

const several = async (count: number, run: (index: number) => Promise<number>): Promise<number[]> => {
	const statuses: number[] = [];
	for (let index = 0; index < count; index += 1) statuses.push(await run(index));
	return statuses;
};

for (const name of ['alice', 'nobody']) {
	test(`row 2: tries at ${name} are counted by place, and from many places each gets one`, async (t) => {
		const app = await start(t);
		t.deepEqual(await several(4, () => signIn(app, name, '192.0.2.1')), [403, 403, 403, 429]);
		t.deepEqual(await several(3, () => signIn(app, name, '192.0.2.2')), [403, 403, 403]);
		// Six tries from everywhere: from now on each place has one.
		t.deepEqual(await several(2, () => signIn(app, name, '192.0.2.3')), [403, 429]);
		t.deepEqual(await several(2, () => signIn(app, name, '2001:db8::1')), [403, 429]);
		t.is(await signIn(app, name, '2001:db8::2'), 429, 'one household is one place');
		t.is(await signIn(app, 'other', '192.0.2.3'), 403, 'other names are not under siege');
	});
}

test('row 2: however many places try, the owner gets in from a new one, and with a device from those as well', async (t) => {
	const app = await start(t);
	const {device_id: deviceId} = await login(app, 'alice', 'DESK');
	for (let place = 1; place <= 20; place += 1) {
		await several(4, () => signIn(app, 'alice', `198.51.100.${place}`));
	}
	t.is(await signIn(app, 'alice', '198.51.100.1', passwordOf('alice')), 429);
	t.is(await signIn(app, 'alice', '203.0.113.1', passwordOf('alice')), 200);
	const device = {device_id: deviceId};
	t.is(await signIn(app, 'alice', '198.51.100.1', passwordOf('alice'), device), 200);
	// A device that is not hers, or nobody's, gives no more tries.
	t.is(await signIn(app, 'alice', '198.51.100.2', 'wrong password', {device_id: 'OTHER'}), 429);
	t.is(await signIn(app, 'nobody', '198.51.100.2', 'wrong password', device), 403);
	// And hers gives few.
	const tries = await several(3, () => signIn(app, 'alice', '198.51.100.3', 'wrong password', device));
	t.deepEqual(tries, [403, 403, 429]);
});

test('tries of one place, and of all together, are bounded, and keep nobody out who comes from elsewhere or with a device', async (t) => {
	const app = await start(t, {login: {per_second: 0.001, burst: 2}, 'login-whole': {per_second: 0.001, burst: 5}});
	const {device_id: deviceId} = await login(app, 'alice', 'DESK');
	t.deepEqual(await several(3, (index) => signIn(app, `one${index}`, '192.0.2.1')), [403, 403, 429]);
	t.deepEqual(await several(2, (index) => signIn(app, `two${index}`, `192.0.2.${10 + index}`)), [403, 403]);
	// All together have used up what they had: from now on each place has one, and its networks are one place.
	t.is(await signIn(app, 'two', '192.0.2.10'), 403);
	t.is(await signIn(app, 'two', '192.0.2.12'), 403);
	t.deepEqual(await several(3, (index) => signIn(app, `three${index}`, `2001:db8:1:${index}::1`)), [403, 429, 429]);
	t.is(await signIn(app, 'alice', '192.0.2.12', passwordOf('alice')), 429);
	t.is(await signIn(app, 'alice', '192.0.2.12', passwordOf('alice'), {device_id: deviceId}), 200);
	t.is(await signIn(app, 'alice', '203.0.113.1', passwordOf('alice')), 200, 'a place that has not tried of late');
});
