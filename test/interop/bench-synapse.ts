#!/usr/bin/env node
/** `npm run bench:synapse -- [arguments of the load program]`: the same load on Synapse, for figures side by side. */
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {createAuthority, REGISTRATION_SHARED_SECRET} from '../harness/index.ts';
import {prepareSynapse, startSynapse} from './synapse.ts';

const prepared = prepareSynapse();
if ('skipped' in prepared) {
	console.error(`skipped: ${prepared.skipped}`);
	process.exit(1);
}
const tls = mkdtempSync(join(tmpdir(), 'broadsheet-tls-'));
try {
	const authority = createAuthority(tls);
	await using synapse = await startSynapse(prepared.python, authority);
	await using partner = await startSynapse(prepared.python, authority);
	const program = fileURLToPath(new URL('../../bench/main.js', import.meta.url));
	const servers = {
		'--url': synapse.url,
		'--pid': String(synapse.pid),
		'--partner-url': partner.url,
		'--partner-pid': String(partner.pid),
		'--shared-secret': REGISTRATION_SHARED_SECRET,
	};
	const bench = spawn(process.execPath, [program, ...Object.entries(servers).flat(), ...process.argv.slice(2)], {
		stdio: 'inherit',
	});
	const [code]: unknown[] = await once(bench, 'exit');
	process.exitCode = code === 0 ? 0 : 1;
} finally {
	rmSync(tls, {recursive: true, force: true});
}
