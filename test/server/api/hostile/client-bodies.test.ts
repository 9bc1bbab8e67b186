/** Section A of the list of threats, sent to every endpoint that reads JSON of clients. */
import test, {type ExecutionContext} from 'ava';
import {jobs} from '../../../../server/jobs/index.ts';
import {type Answer, type App, call, request, startApp, until} from '../../../harness/index.ts';
import {bodyOf, type Endpoint, endpointsOf, uriOf} from './every-endpoint.ts';
import {brokenBodies, mutationsOf} from './hostile-json.ts';
import {addSomebody, callerOf, type Somebody} from './somebody.ts';

/** Requests under way at a time: enough that the machine does not wait, few enough that it does not choke. */
const atOnce = 16;

/** So many requests had a transaction id; a second one with the same would be answered as the first. */
let transactions = 0;

const endpoints = [...endpointsOf('client'), ...endpointsOf('admin')].filter(
	({body, bodyFormat}) => body !== undefined && bodyFormat === 'json',
);

/** Sends each body to an endpoint. */
async function sendAll<Text extends string | Buffer<ArrayBuffer>>(
	app: App,
	endpoint: Endpoint,
	somebody: Somebody,
	texts: readonly Text[],
): Promise<{readonly text: Text; readonly answer: Answer<Record<string, unknown>>}[]> {
	const found = [];
	for (let start = 0; start < texts.length; start += atOnce) {
		const some = texts.slice(start, start + atOnce).map(async (text) => {
			const path = uriOf(endpoint, {...somebody.names, txnId: `${(transactions += 1)}`});
			return {text, answer: await request(app, endpoint.method, path, {...callerOf(endpoint, somebody), text})};
		});
		found.push(...(await Promise.all(some)));
	}
	return found;
}

/** Waits until what was taken with a short delay is sent. */
async function untilSent(app: App, {token}: Somebody): Promise<void> {
	const path = '/_matrix/client/unstable/org.matrix.msc4140/delayed_events';
	await until(async () => {
		const {scheduled} = await call<{scheduled: {delay: number}[]}>(app, 'GET', path, {token});
		return scheduled.every(({delay}) => delay > 1_000) || undefined;
	}, 'what was to be sent at once');
}

async function checkAlive(t: ExecutionContext, app: App): Promise<void> {
	t.is((await request(app, 'GET', '/_matrix/client/versions')).status, 200);
	t.false(app.readLog().includes('A request failed unexpectedly'));
}

for (const [row, texts] of Object.entries(brokenBodies)) {
	test(`${row}: a broken body is 400 at every endpoint, and changes nothing`, async (t) => {
		const app = await startApp(t);
		const somebody = await addSomebody(app, {isAdmin: true});
		const {stream} = app.application.storage;
		const before = stream.head();
		for (const endpoint of endpoints) {
			// No body at all is the empty object, but for PUT.
			const sent = texts.filter((text) => text !== '' || endpoint.method === 'PUT');
			for (const {text, answer} of await sendAll(app, endpoint, somebody, sent)) {
				const what = `${endpoint.id} ${text.toString().slice(0, 50)}`;
				t.is(answer.status, 400, what);
				t.true(['M_BAD_JSON', 'M_NOT_JSON'].includes(String(answer.body['errcode'])), what);
			}
		}
		t.is(stream.head(), before);
		await checkAlive(t, app);
	});
}

/** Endpoints that leave work for background jobs. */
const beginsJobs: ReadonlySet<string> = new Set([
	'adminDeactivateUser',
	'adminDeleteRoomV1',
	'adminDeleteRoomV2',
	'adminPutUser',
	'adminRedactUser',
	'adminResetPassword',
]);

/** How often in a row nothing must have happened. */
const QUIET = 25;

/** Waits until the background jobs have done what an endpoint has left for them. */
async function untilQuiet(app: App): Promise<void> {
	const {jobs: rows, stream} = app.application.storage;
	const kinds = jobs.filter(({everyMs}) => everyMs === null).map(({id}) => id);
	let last = -1;
	let same = 0;
	await until(
		async () => {
			const isDue = (await rows.listDue(kinds, Date.now(), 1)).length > 0;
			const head = stream.head();
			same = head === last && !isDue ? same + 1 : 0;
			last = head;
			return same > QUIET;
		},
		'the background jobs to end',
		60_000,
	);
}

test('A9: an odd value anywhere in a body is taken or refused, and a refusal changes nothing', async (t) => {
	const app = await startApp(t);
	const {stream} = app.application.storage;
	for (const endpoint of endpoints) {
		const somebody = await addSomebody(app, {isAdmin: true});
		const texts = [...mutationsOf(bodyOf(endpoint, somebody.names))];
		const first = await sendAll(app, endpoint, somebody, texts);
		for (const {text, answer} of first) {
			if (answer.status < 500) continue;
			t.fail(`${endpoint.id} ${text.slice(0, 200)}: ${answer.status} ${answer.text}`);
		}
		if (endpoint.id === 'scheduleDelayedEvent') await untilSent(app, somebody);
		if (beginsJobs.has(endpoint.id)) await untilQuiet(app);
		// Once more what was refused, with nothing else going on.
		const refused = first.filter(({answer}) => answer.status >= 400).map(({text}) => text);
		const before = stream.head();
		const again = await sendAll(app, endpoint, somebody, refused);
		t.deepEqual([again.filter(({answer}) => answer.status < 400), stream.head()], [[], before], endpoint.id);
	}
	t.false(Object.hasOwn(Object.prototype, 'polluted'));
	await checkAlive(t, app);
});
