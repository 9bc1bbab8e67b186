/** The floor: what a bare server costs on this machine at this moment. */
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {LoadClient} from '../load-client.ts';
import {measureLoop} from '../measure.ts';
import {sendMessage} from '../population.ts';
import type {Scenario} from '../scenario.ts';

const SENDERS = 64;

/** The same requests as in `send`, to a server that only signs and stores. */
export const floor: Scenario = {
	id: 'floor',
	about: 'koa, one signature and a group-committed row: the price that no server of this kind can go below',
	needsServer: false,
	async run({operationsMax, secondsMax}) {
		const directory = mkdtempSync(join(tmpdir(), 'broadsheet-floor-'));
		const program = fileURLToPath(new URL('../floor-server.js', import.meta.url));
		const child = spawn(process.execPath, [program, join(directory, 'floor.db')], {stdio: ['pipe', 'pipe', 'inherit']});
		try {
			const [line]: unknown[] = await once(child.stdout, 'data');
			await using client = new LoadClient(`http://127.0.0.1:${String(line).trim()}`, SENDERS);
			const device = {userId: '@floor:localhost', token: '0'.repeat(40)};
			const figures = await measureLoop({
				title: `floor, ${SENDERS} senders`,
				pids: child.pid === undefined ? [] : [child.pid],
				operationsMax,
				secondsMax,
				workers: SENDERS,
				warmUp: Math.max(SENDERS * 2, Math.floor(operationsMax / 10)),
				operate: (_, index) => sendMessage(client, device, '!floor', `floor-${index}`),
			});
			return [figures];
		} finally {
			child.kill('SIGKILL');
			await once(child, 'exit');
			rmSync(directory, {recursive: true, force: true});
		}
	},
};
