import {execFile} from 'node:child_process';
import test from 'ava';
import {makeMetrics} from '../../../server/telemetry/index.ts';

/** What a log writes, taken from a process of its own, as an operator would see it. */
function logged(format: 'json' | 'pretty', statement: string): Promise<string> {
	const program = `
		import {makeLogger} from './dist/server/telemetry/index.js';
		const log = makeLogger({level: 'info', format: '${format}'});
		${statement}`;
	return new Promise((resolve, reject) => {
		execFile(process.execPath, ['--input-type=module', '--eval', program], (error, stdout) => {
			if (error) {
				reject(error);
			} else {
				resolve(stdout);
			}
		});
	});
}

test('secrets that reach the log by mistake are removed from it', async (t) => {
	const statement =
		"log.info({password: 'sesame', request: {access_token: 'sesame', content: {body: 'sesame'}}, roomId: '!a:b'}, 'x');";
	for (const format of ['json', 'pretty'] as const) {
		const text = await logged(format, statement);
		t.false(text.includes('sesame'), format);
		t.true(text.includes('!a:b'), format);
	}
});

test('a level is a word, time is ISO 8601, and lower levels are left out', async (t) => {
	const line = await logged('json', "log.debug({}, 'no'); log.warn({part: 'x'}, 'yes');");
	const {level, time, part, msg} = JSON.parse(line) as Record<string, string>;
	t.deepEqual({level, part, msg}, {level: 'warn', part: 'x', msg: 'yes'});
	t.regex(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/u);
	t.regex(await logged('pretty', "log.warn({part: 'x'}, 'yes');"), /^[\d:.]+ warn {2}yes \{"part":"x"\}\n$/u);
});

test('answered requests are counted by operation and status', async (t) => {
	const metrics = makeMetrics();
	metrics.observeRequest('sendMessage', 'PUT', 200, 12);
	metrics.observeRequest('sendMessage', 'PUT', 200, 20_000);
	metrics.observeRequest('sendMessage', 'PUT', 429, 1);
	const text = await metrics.render();
	t.true(text.includes('broadsheet_http_requests_total{operation="sendMessage",status="200"} 2'));
	t.true(text.includes('broadsheet_http_requests_total{operation="sendMessage",status="429"} 1'));
	t.true(text.includes('broadsheet_http_request_seconds_bucket{le="0.03",operation="sendMessage"} 2'));
	t.regex(metrics.contentType, /^text\/plain/u);
});
