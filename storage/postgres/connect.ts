import {Client, type ClientConfig, Pool} from 'pg';

/** How long one statement may take before the server cancels it. */
const statementTimeoutMs = 30_000;
/** How long an open transaction may do nothing: a process that hangs must not hold the head of the stream. */
const idleInTransactionMs = 15_000;
/** How long a connection attempt may take. */
const connectTimeoutMs = 5000;
/** Connections for reads. */
const poolSize = 10;

const int8 = 20;
const int2 = 21;
const bytea = 17;

/** All our integers are below 2^53. */
const types = {
	getTypeParser(id: number): (value: string) => unknown {
		if (id === int8 || id === int2) return Number;
		if (id === bytea) return (value) => Buffer.from(value.slice(2), 'hex');
		return (value) => value;
	},
};

/** How our connections are told from others'. */
export const applicationName = 'broadsheet';

/** Gives the settings of every connection of ours. */
function configOf(url: string): ClientConfig {
	return {
		connectionString: url,
		application_name: applicationName,
		keepAlive: true,
		connectionTimeoutMillis: connectTimeoutMs,
		statement_timeout: statementTimeoutMs,
		// A server that vanished without a word is noticed by its silence.
		query_timeout: 2 * statementTimeoutMs,
		idle_in_transaction_session_timeout: idleInTransactionMs,
		types,
	};
}

/** Makes the pool that reads go through. */
export function createPool(url: string, onProblem: (problem: Error) => void): Pool {
	const pool = new Pool({...configOf(url), max: poolSize, idleTimeoutMillis: 30_000, allowExitOnIdle: true});
	pool.on('error', onProblem);
	return pool;
}

/** Opens one connection. `pipeline`: statements are sent without waiting for the answer to the one before. */
export async function connect(url: string, options: {readonly pipeline: boolean}): Promise<Client> {
	const client = new Client({...configOf(url), pipeline: options.pipeline});
	// What happens to it reaches us through the statements under way, or with the next one.
	client.on('error', () => undefined);
	await client.connect();
	await client.query('set synchronous_commit = on');
	return client;
}
