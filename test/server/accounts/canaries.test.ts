/** Every flow there is, and then a look at everything that the server has written down or tells. */
import {randomBytes} from 'node:crypto';
import {createWriteStream, readdirSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {buffer} from 'node:stream/consumers';
import test, {type ExecutionContext} from 'ava';
import {Client} from 'pg';
import {openPromise} from 'yauzl';
import type {UserId} from '../../../crypto/index.ts';
import {backUp} from '../../../server/backup/index.ts';
import {type App, findPostgres, passwordOf, PostgresServer} from '../../harness/index.ts';
import type {PeerRequest} from '../../harness/peer.ts';
import {startShared} from '../api/server-server/world.ts';
import {address, agent, talk} from './canary-flows.ts';

/** Every file below a folder, by its name. */
function readAll(directory: string): Record<string, Buffer> {
	const names = readdirSync(directory, {recursive: true, encoding: 'utf8'});
	const files = names.filter((name) => statSync(join(directory, name)).isFile());
	// The archive for a person is compressed, and read apart.
	const plain = files.filter((name) => !name.endsWith('.zip'));
	return Object.fromEntries(plain.map((name) => [name, readFileSync(join(directory, name))]));
}

/** Every row of a PostgreSQL database, as text. */
async function dump(url: string): Promise<Buffer> {
	const client = new Client({connectionString: url});
	await client.connect();
	try {
		const list = "select table_name as name from information_schema.tables where table_schema = 'public'";
		const texts: string[] = [];
		for (const {name} of (await client.query<{name: string}>(list)).rows) {
			const {rows} = await client.query<{text: string}>(`select t::text as text from "${name}" as t`);
			texts.push(...rows.map(({text}) => text));
		}
		return Buffer.from(texts.join('\n'));
	} finally {
		await client.end();
	}
}

async function writeBackup(app: App): Promise<string> {
	const file = join(app.directory, 'backup.tar');
	const {config} = app.application.services;
	await backUp({config, file, nowTs: Date.now(), random: randomBytes});
	return file;
}

/** Writes what somebody may have of all that is theirs, and reads it back. */
async function readExport(app: App, userId: string): Promise<Buffer> {
	const file = join(app.directory, 'export.zip');
	await app.application.services.personalData.write(userId as UserId, createWriteStream(file));
	const zip = await openPromise(file);
	const parts: Buffer[] = [];
	for await (const entry of zip.eachEntry()) parts.push(await buffer(await zip.openReadStreamPromise(entry)));
	return Buffer.concat(parts);
}

async function readMetrics({url}: App): Promise<string> {
	const reply = await fetch(`${url}/metrics`);
	return reply.status === 200 ? reply.text() : '';
}

const textOf = ({method, url, headers, body}: PeerRequest): string =>
	`${method} ${decodeURIComponent(url)} ${JSON.stringify(headers)} ${body.toString()}`;

async function check(t: ExecutionContext, database: string | undefined): Promise<void> {
	const host = await startShared(t, {}, () => (database === undefined ? {} : {database}));
	const {app, peer, alice} = host;
	const {said, secrets, tokens} = await talk(host);
	const told = [...peer.requests];
	const [log, metrics] = [app.readLog(), await readMetrics(app)];
	t.true(log.length > 500 && metrics.includes('broadsheet_'));
	const own = await readExport(app, '@carol:news.example');
	t.true(own.includes(said['message']!), 'the archive holds what is theirs');
	await writeBackup(app);
	const places: Readonly<Record<string, Buffer>> = {
		...readAll(app.directory),
		...(database !== undefined && {'the database': await dump(database)}),
		'the archive for a person': own,
		'the log': Buffer.from(log),
		'the metrics': Buffer.from(metrics),
		'what another server was told': Buffer.from(told.map(textOf).join('\n')),
	};
	for (const place of [database === undefined ? 'data/broadsheet.db-wal' : 'the database', 'backup.tar']) {
		t.true(places[place]?.includes(said['message']!), `the look sees what is in ${place}`);
	}
	const nowhere = {...secrets, alice: passwordOf('alice'), address, agent};
	for (const [place, bytes] of Object.entries(places)) {
		for (const [what, text] of Object.entries(nowhere)) t.false(bytes.includes(text), `${place}: ${what}`);
		for (const token of tokens) t.false(bytes.includes(token), `${place}: a token`);
	}
	for (const place of ['the log', 'the metrics']) {
		for (const [what, text] of Object.entries(said)) t.false(places[place]!.includes(text), `${place}: ${what}`);
		for (const name of ['carol', alice.user_id]) t.false(places['the metrics']!.includes(name), `${place}: ${name}`);
	}
	t.true(
		told.some((request) => textOf(request).includes(said['message']!)),
		'the look sees what another server was told',
	);
	for (const request of told.filter(({url}) => url.includes('/push/'))) {
		for (const text of Object.values(said)) t.false(textOf(request).includes(text), 'a push gateway is told ids alone');
	}
}

test('E4: what people say, and where they say it from, is in no log; E6: and no secret of theirs is anywhere', (t) =>
	check(t, undefined));

const found = findPostgres();
if ('skipped' in found) console.log(`skipped: ${found.skipped}`);
const onPostgres = 'skipped' in found ? test.skip : test;

onPostgres('E4, E6: nor is any of it on PostgreSQL', async (t) => {
	if ('skipped' in found) throw new Error(found.skipped);
	const server = await PostgresServer.start(found.programs);
	t.teardown(() => server[Symbol.asyncDispose]());
	await check(t, await server.createDatabase('canaries'));
});
