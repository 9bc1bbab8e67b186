import test from 'ava';
import {converge} from './converge.ts';
import {runSeeds} from './run-seeds.ts';
import {Simulation} from './simulation.ts';

test.serial('three servers agree on their rooms after loss, partitions, crashes and failing disks', async (t) => {
	// Each seed takes about a second of an idle machine.
	t.timeout(15 * 60_000);
	await runSeeds(t, {first: 1, count: 10}, async (simulation) => {
		const {problems} = await converge(simulation);
		if (problems.length > 0) throw new Error(problems.join('\n'));
	});
});

test.serial('the same seed is the same run, to the byte of its trace', async (t) => {
	t.timeout(60_000);
	const traces: string[] = [];
	for (let run = 0; run < 2; run++) {
		const simulation = new Simulation(3);
		await converge(simulation);
		traces.push(simulation.trace.join('\n'));
	}
	t.is(traces[0], traces[1]);
});
