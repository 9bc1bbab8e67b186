import test, {type ExecutionContext} from 'ava';
import {budgets, LoadGate, type Route, type Work} from '../../../server/http/index.ts';
import {v} from '../../../server/validation/index.ts';
import {route, startTestServer, type TestServices} from './fixture.ts';

/** A route of each kind of work, and one that is always answered. */
const routes: readonly Route<TestServices>[] = [
	route({
		id: 'login',
		method: 'POST',
		path: '/login',
		auth: 'none',
		rateLimit: 'login',
		body: v.any(),
		handle: (_request, {seen}) => {
			seen.push('handled');
			return {};
		},
	}),
	route({id: 'getContent', method: 'GET', path: '/media', auth: 'user', rateLimit: 'download', handle: () => ({})}),
	route({id: 'getRooms', method: 'GET', path: '/general', auth: 'user', handle: () => ({})}),
	route({id: 'sendMessage', method: 'PUT', path: '/send', auth: 'user', rateLimit: 'message', handle: () => ({})}),
	route({id: 'sendTransaction', method: 'PUT', path: '/federation', auth: 'server', handle: () => ({})}),
	route({id: 'sync', method: 'GET', path: '/sync', auth: 'user', rateLimit: 'sync', handle: () => ({})}),
	route({id: 'getHealth', method: 'GET', path: '/health', auth: 'none', work: 'none', handle: () => ({})}),
];

const requests: Readonly<Record<Work, readonly [string, string]>> = {
	'sign-in': ['POST', '/login'],
	media: ['GET', '/media'],
	general: ['GET', '/general'],
	send: ['PUT', '/send'],
	federation: ['PUT', '/federation'],
	sync: ['GET', '/sync'],
};

async function startLoaded(t: ExecutionContext, more: readonly Route<TestServices>[] = []) {
	const state = {lateMs: 0};
	const load = new LoadGate(() => state.lateMs);
	const server = await startTestServer(t, [...routes, ...more], {options: {load}});
	const ask = (work: Work) => {
		const [method, path] = requests[work];
		const headers = work === 'federation' ? {authorization: 'X-Matrix a.example'} : {authorization: 'Bearer alice'};
		return server.send(method, path, {headers});
	};
	return {server, ask, load, state};
}

const kinds = Object.keys(budgets) as Work[];

test('the later the event loop is the more is refused, sign-ins first, and news of people and servers last', async (t) => {
	const {server, ask, state, load} = await startLoaded(t);
	const served = async (lateMs: number): Promise<Work[]> => {
		state.lateMs = lateMs;
		const answers = await Promise.all(kinds.map(async (work) => ({work, status: (await ask(work)).status})));
		return answers.filter(({status}) => status === 200).map(({work}) => work);
	};
	t.deepEqual(await served(0), kinds);
	t.deepEqual(await served(budgets['sign-in'].lateMsMax + 1), kinds.slice(1));
	t.deepEqual(await served(budgets.media.lateMsMax + 1), kinds.slice(2));
	t.deepEqual(await served(budgets.general.lateMsMax + 1), ['send', 'federation', 'sync']);
	t.deepEqual(await served(budgets.send.lateMsMax + 1), ['federation', 'sync']);
	t.deepEqual(await served(budgets.sync.lateMsMax + 1), []);
	t.is((await server.send('GET', '/health')).status, 200);
	t.is(load.refused, 1 + 2 + 3 + 4 + 6);
	t.deepEqual(await served(0), kinds);
});

test('E10: who is refused is told when to come again, and nothing of the request was looked at', async (t) => {
	const {server, ask, state} = await startLoaded(t);
	state.lateMs = 10_000;
	const clients = await Promise.all([
		ask('sign-in'),
		server.send('POST', '/login', {text: Buffer.alloc(5_000_000, 'x')}),
		server.send('POST', '/login', {body: {user: 'alice', password: 'right'}}),
		server.send('GET', '/sync'),
		server.send('GET', '/sync', {token: 'nobody'}),
		server.send('GET', '/sync', {token: 'alice'}),
	]);
	t.is(
		new Set(clients.map(({status, text, headers}) => JSON.stringify([status, text, headers['retry-after']]))).size,
		1,
	);
	t.is(clients[0].status, 429);
	t.is(clients[0].headers['retry-after'], '2');
	t.deepEqual(clients[0].body['errcode'], 'M_LIMIT_EXCEEDED');
	const answer = await ask('federation');
	t.deepEqual([answer.status, answer.headers['retry-after']], [503, '2']);
	t.deepEqual(server.seen, []);
});

test('a kind of work that has used up its budget takes nothing from the others, and gets it back', async (t) => {
	const answers: (() => void)[] = [];
	const slow = route({
		id: 'register',
		method: 'POST',
		path: '/register',
		auth: 'none',
		rateLimit: 'registration',
		handle: () => new Promise<object>((resolve) => answers.push(() => resolve({}))),
	});
	const {server, ask, load} = await startLoaded(t, [slow]);
	const {underwayMax} = budgets['sign-in'];
	const waiting = Array.from({length: underwayMax}, () => server.send('POST', '/register'));
	while (answers.length < underwayMax) await new Promise((resolve) => setImmediate(resolve));
	t.is(load.underway('sign-in'), underwayMax);
	t.is((await ask('sign-in')).status, 429);
	for (const work of kinds.slice(1)) t.is((await ask(work)).status, 200, work);
	for (const answer of answers) answer();
	t.true((await Promise.all(waiting)).every(({status}) => status === 200));
	t.is(load.underway('sign-in'), 0);
	t.is((await ask('sign-in')).status, 200);
});

test('bodies that do not come use nothing up', async (t) => {
	const {server, ask, load} = await startLoaded(t);
	const half = 'POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"type"';
	for (let index = 0; index <= budgets['sign-in'].underwayMax; index += 1) (await server.open()).socket.write(half);
	t.is((await ask('sign-in')).status, 200);
	t.is(load.underway('sign-in'), 0);
});

test('a request whose client goes away gives its place back', async (t) => {
	const hanging = route({
		id: 'hang',
		method: 'POST',
		path: '/hang',
		auth: 'none',
		rateLimit: 'login',
		handle: ({signal}) =>
			new Promise<object>((_resolve, reject) => {
				signal.addEventListener('abort', () => reject(signal.reason as Error));
			}),
	});
	const {server, load} = await startLoaded(t, [hanging]);
	const connection = await server.open();
	connection.socket.write('POST /hang HTTP/1.1\r\nHost: a\r\n\r\n');
	while (load.underway('sign-in') === 0) await new Promise((resolve) => setImmediate(resolve));
	connection.socket.destroy();
	while (load.underway('sign-in') > 0) await new Promise((resolve) => setImmediate(resolve));
	t.pass();
});

test('where nothing is to be limited nothing is refused', async (t) => {
	const gate = new LoadGate(undefined);
	for (let index = 0; index <= budgets['sign-in'].underwayMax; index += 1) gate.enter('sign-in');
	t.is(gate.refused, 0);
});
