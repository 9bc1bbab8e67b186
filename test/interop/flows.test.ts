/** The flows that are gone through with other servers, with two of ours: what fails there and not here is the other's way. */
import test, {type ExecutionContext} from 'ava';
import {Line, startServers} from '../harness/index.ts';
import {CONFIGURATION, CONFIGURED, type Flow, FLOWS, goThrough, listPassages, type Reachable} from './flows/index.ts';

async function goThroughAll(
	t: ExecutionContext,
	flows: readonly Flow[],
	config: Readonly<Record<string, unknown>> = {},
): Promise<void> {
	await using line = new Line();
	await using otherLine = new Line();
	const lines = [line, otherLine];
	await using servers = await startServers(2, {lines, config});
	const [one, other] = servers.list.map((server, at): Reachable => ({server, line: lines[at] as Line}));
	if (one === undefined || other === undefined) throw new Error('expected two servers');
	let id = 0;
	for (const passage of listPassages(flows, one, other)) {
		if (passage.host !== one) continue;
		id += 1;
		const begun = performance.now();
		await t.notThrowsAsync(goThrough(passage, id), `${passage.flow.name}, version ${passage.roomVersion}`);
		t.log(`${passage.flow.name}, version ${passage.roomVersion}: ${Math.round(performance.now() - begun)} ms`);
	}
}

test('two of our servers can do together all that we do with others', (t) => goThroughAll(t, FLOWS));

test('two of our servers can do together what they must be configured for', (t) =>
	goThroughAll(t, CONFIGURED, CONFIGURATION));
