import test from 'ava';
import {request, startApp} from '../../../harness/index.ts';

test('health is answered on every listener and says no more than that', async (t) => {
	const app = await startApp(t, {config: {listeners: [{address: '127.0.0.1', port: 0, serves: ['metrics']}]}});
	const {status, body} = await request(app, 'GET', '/health');
	t.is(status, 200);
	t.deepEqual(body, {status: 'ok'});
	t.is((await request(app, 'GET', '/_matrix/client/versions')).status, 404);
});

test('metrics are served where the configuration says, in the format of Prometheus', async (t) => {
	const app = await startApp(t);
	await request(app, 'GET', '/_matrix/client/versions');
	await request(app, 'GET', '/nowhere');
	const {status, text} = await request(app, 'GET', '/metrics');
	t.is(status, 200);
	t.true(text.includes('broadsheet_http_requests_total{operation="getVersions",status="200"} 1'));
	t.true(text.includes('broadsheet_http_requests_total{operation="unrecognized",status="404"} 1'));
	t.true(text.includes('process_resident_memory_bytes'));
	t.regex(text, /^broadsheet_storage_queued_batches \d+$/mu);
	t.regex(text, /^broadsheet_federation_staged_events 0$/mu);
	const quiet = await startApp(t, {config: {listeners: [{address: '127.0.0.1', port: 0, serves: ['client']}]}});
	t.is((await request(quiet, 'GET', '/metrics')).status, 404);
});
