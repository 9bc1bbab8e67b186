/** The disk that loses power under PostgreSQL, whose processes sync what others of them wrote. */
import test from 'ava';
import {Client} from 'pg';
import {findPostgres, PostgresServer} from '../harness/index.ts';
import {buildDisk, Disk} from './disk.ts';

const found = findPostgres();
const built = buildDisk();
for (const prepared of [found, built]) if ('skipped' in prepared) console.log(`skipped: ${prepared.skipped}`);

const ROWS = 100;

/** Commits rows one by one, loses the power, and counts the rows that are there afterwards. */
async function countAfterPowerLoss(synchronousCommit: 'on' | 'off'): Promise<number> {
	if ('skipped' in found || 'skipped' in built) throw new Error('expected PostgreSQL and a disk');
	await using server = await PostgresServer.create(found.programs);
	const {data, owner} = server;
	using disk = new Disk(built.library, {data, isWhole: true, hasNames: true, ...(owner !== undefined && {owner})});
	await server.start(disk.environment);
	const url = await server.createDatabase('rows');
	const client = new Client({connectionString: url});
	client.on('error', () => undefined);
	await client.connect();
	await client.query('CREATE TABLE rows (number int)');
	await client.query('CHECKPOINT');
	await client.query(`SET synchronous_commit = ${synchronousCommit}`);
	for (let number = 0; number < ROWS; number += 1) await client.query('INSERT INTO rows VALUES ($1)', [number]);
	await server.kill();
	disk.losePower();
	await server.start(disk.environment);
	const again = new Client({connectionString: url});
	await again.connect();
	const {rows} = await again.query<{count: string}>('SELECT count(*) FROM rows');
	await again.end();
	return Number(rows[0]?.count);
}

const onPostgres = 'skipped' in found || 'skipped' in built ? test.skip : test;

onPostgres('PostgreSQL keeps every commit with synchronous_commit=on', async (t) => {
	t.is(await countAfterPowerLoss('on'), ROWS);
});

onPostgres('PostgreSQL loses commits with synchronous_commit=off', async (t) => {
	t.true((await countAfterPowerLoss('off')) < ROWS);
});
