/** What `/sync` tells a device about encryption, and what one asks who was away. */
import test from 'ava';
import {
	type App,
	call,
	createCrossSigningKeys,
	createTestDevice,
	login,
	register,
	request,
	type Session,
	startApp,
} from '../../harness/index.ts';

interface Synced {
	next_batch: string;
	device_lists?: {changed: string[]; left: string[]};
	device_one_time_keys_count?: Record<string, number>;
	device_unused_fallback_key_types?: string[];
	to_device?: {events: {type: string; sender: string; content: {n?: number}}[]};
}

/** A device that syncs, each time from where it was. */
class Reader {
	since: string | undefined;
	readonly #app: App;
	readonly #session: Session;

	constructor(app: App, session: Session) {
		this.#app = app;
		this.#session = session;
	}

	async read(since = this.since): Promise<Synced> {
		const query = since === undefined ? '' : `?since=${since}`;
		const {access_token: token} = this.#session;
		const answer = await call<Synced>(this.#app, 'GET', `/_matrix/client/v3/sync${query}`, {token});
		this.since = answer.next_batch;
		return answer;
	}

	post<T = Record<string, unknown>>(path: string, body: object = {}): Promise<T> {
		return call<T>(this.#app, 'POST', `/_matrix/client/v3${path}`, {token: this.#session.access_token, body});
	}
}

async function stage(app: App) {
	const [alice, bob] = [await register(app, 'alice'), await register(app, 'bobby')];
	const [readerA, readerB] = [new Reader(app, alice), new Reader(app, bob)];
	const {room_id: roomId} = await readerA.post<{room_id: string}>('/createRoom', {preset: 'public_chat'});
	await readerB.post(`/join/${roomId}`);
	return {alice, bob, readerA, readerB, roomId};
}

test('the first answer names no device lists, later ones name those that changed', async (t) => {
	const app = await startApp(t);
	const {bob, readerA, readerB, roomId} = await stage(app);
	t.is((await readerA.read()).device_lists, undefined);
	await readerB.post('/keys/upload', {device_keys: createTestDevice(bob).deviceKeys});
	t.deepEqual((await readerA.read()).device_lists, {changed: [bob.user_id], left: []});
	t.is((await readerA.read()).device_lists, undefined);
	await readerB.post(`/rooms/${roomId}/leave`);
	t.deepEqual((await readerA.read()).device_lists, {changed: [], left: [bob.user_id]});
});

test('a person’s own devices hear whose keys one of them signed', async (t) => {
	const app = await startApp(t);
	const {alice, bob, readerA, readerB} = await stage(app);
	const keys = new Map<Reader, ReturnType<typeof createCrossSigningKeys>>();
	for (const [reader, session] of [
		[readerA, alice],
		[readerB, bob],
	] as const) {
		const device = createTestDevice(session);
		const identity = createCrossSigningKeys(session.user_id, device);
		keys.set(reader, identity);
		await reader.post('/keys/upload', {device_keys: device.deviceKeys});
		await reader.post('/keys/device_signing/upload', identity.body);
	}
	const second = new Reader(app, await login(app, 'alice'));
	await Promise.all([second.read(), readerB.read()]);
	const {body, master} = keys.get(readerB)!;
	const signed = keys.get(readerA)!.userSigning.sign(body.master_key);
	await readerA.post('/keys/signatures/upload', {[bob.user_id]: {[master.id]: signed}});
	t.deepEqual((await second.read()).device_lists, {changed: [bob.user_id], left: []});
	t.is((await readerB.read()).device_lists, undefined);
});

test('a device hears how many of its keys are left', async (t) => {
	const app = await startApp(t);
	const {alice, readerA, readerB} = await stage(app);
	const device = createTestDevice(alice);
	await readerA.post('/keys/upload', {
		device_keys: device.deviceKeys,
		one_time_keys: device.oneTimeKeys('A', 'B'),
		fallback_keys: device.fallbackKeys('F'),
	});
	const counts = async () => {
		const answer = await readerA.read();
		return [answer.device_one_time_keys_count?.['signed_curve25519'], answer.device_unused_fallback_key_types];
	};
	const claim = () =>
		readerB.post('/keys/claim', {one_time_keys: {[alice.user_id]: {[alice.device_id]: 'signed_curve25519'}}});
	t.deepEqual(await counts(), [2, ['signed_curve25519']]);
	await claim();
	t.deepEqual(await counts(), [1, ['signed_curve25519']]);
	await claim();
	t.is((await counts())[0], 0);
	await claim();
	t.deepEqual((await counts())[1], []);
});

test('a device that comes again under its id has no keys, whatever was counted before', async (t) => {
	const app = await startApp(t);
	const {alice} = await stage(app);
	const path = '/_matrix/client/v3/keys/upload';
	const body = {one_time_keys: {'curve25519:A': 'aaaa', 'curve25519:B': 'bbbb'}};
	const counts = async (token: string, upload: object) =>
		(await call<{one_time_key_counts: Record<string, number>}>(app, 'POST', path, {token, body: upload}))
			.one_time_key_counts['curve25519'];
	t.is(await counts(alice.access_token, body), 2);
	t.is(await counts(alice.access_token, body), 2, 'an upload that is told again adds nothing');
	t.is(await counts(alice.access_token, {one_time_keys: {...body.one_time_keys, 'curve25519:C': 'cccc'}}), 3);
	await call(app, 'POST', '/_matrix/client/v3/logout', {token: alice.access_token, body: {}});
	const again = await login(app, 'alice', alice.device_id);
	t.is(again.device_id, alice.device_id);
	t.is(await counts(again.access_token, {}), undefined);
});

test('messages to a device come a hundred at a time, in order, until they are acknowledged', async (t) => {
	const app = await startApp(t);
	const {alice, bob, readerB} = await stage(app);
	await readerB.read();
	const start = readerB.since;
	for (let n = 0; n < 130; n += 1) {
		const body = {messages: {[bob.user_id]: {[bob.device_id]: {n}}}};
		const path = `/_matrix/client/v3/sendToDevice/m.test/${n}`;
		await call(app, 'PUT', path, {token: alice.access_token, body});
	}
	const numbers = ({to_device: messages}: Synced) => (messages?.events ?? []).map(({content}) => content.n);
	const range = (from: number, to: number) => Array.from({length: to - from}, (_, index) => from + index);
	t.deepEqual(numbers(await readerB.read()), range(0, 100));
	t.deepEqual(numbers(await readerB.read(start)), range(0, 100), 'what was not acknowledged comes again');
	t.deepEqual(numbers(await readerB.read()), range(100, 130));
	t.deepEqual(numbers(await readerB.read()), []);
	t.deepEqual(numbers(await readerB.read(start)), [], 'what was acknowledged is gone');
});

test('who was away asks whose keys changed since', async (t) => {
	const app = await startApp(t);
	const {alice, bob, readerA, readerB} = await stage(app);
	const {next_batch: from} = await readerA.read();
	await readerB.post('/keys/upload', {device_keys: createTestDevice(bob).deviceKeys});
	const {next_batch: to} = await readerA.read();
	const changes = (query: string) =>
		request(app, 'GET', `/_matrix/client/v3/keys/changes?${query}`, {token: alice.access_token});
	t.deepEqual((await changes(`from=${from}&to=${to}`)).body, {changed: [bob.user_id], left: []});
	t.deepEqual((await changes(`from=${to}&to=${to}`)).body, {changed: [], left: []});
	for (const query of ['', `from=${from}`, `from=&to=${to}`, `from=nonsense&to=${to}`, `from=-1&to=${to}`]) {
		t.is((await changes(query)).status, 400, query);
	}
	const future = from.replace(/^s1\.\d+/u, 's1.9007199254740991');
	const refused = await changes(`from=${future}&to=${to}`);
	t.deepEqual([refused.status, refused.body['errcode']], [400, 'M_INVALID_PARAM']);
	t.is((await request(app, 'GET', `/_matrix/client/v3/keys/changes?from=${from}&to=${to}`)).status, 401);
});
