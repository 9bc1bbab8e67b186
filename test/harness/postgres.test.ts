import test from 'ava';
import {Client} from 'pg';
import {findPostgres, PostgresServer} from './index.ts';

const found = findPostgres();
if ('skipped' in found) console.log(`skipped: ${found.skipped}`);

('skipped' in found ? test.skip : test)('what was committed before a kill is there after the next start', async (t) => {
	if ('skipped' in found) return;
	await using server = await PostgresServer.start(found.programs);
	const url = await server.createDatabase('one');
	const client = new Client({connectionString: url});
	client.on('error', () => undefined);
	await client.connect();
	await client.query('CREATE TABLE rows (number int)');
	await client.query('INSERT INTO rows VALUES (7)');
	await server.kill();
	await server.start();
	const again = new Client({connectionString: url});
	await again.connect();
	const {rows} = await again.query<{number: number}>('SELECT number FROM rows');
	await again.end();
	t.deepEqual(rows, [{number: 7}]);
	await server.stop();
});
