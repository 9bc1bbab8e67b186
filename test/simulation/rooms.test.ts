import test from 'ava';
import {converge} from './converge.ts';
import {runSeeds} from './run-seeds.ts';
import {Simulation} from './simulation.ts';

/** Every other seed has a fourth server, which forges, cheats and lies. */
const isByzantine = ({seed}: Simulation): boolean => seed % 2 === 0;

test.serial('three servers agree on their rooms after loss, partitions, crashes, failing disks and lies', async (t) => {
	// Each seed takes a second or two of an idle machine.
	t.timeout(15 * 60_000);
	await runSeeds(t, {first: 1, count: 4}, async (simulation) => {
		const {problems} = await converge(simulation, {isByzantine: isByzantine(simulation)});
		if (problems.length > 0) throw new Error(problems.join('\n'));
	});
});

test.serial(
	'rooms that are entered before it is known who is there come to the same through the same troubles',
	async (t) => {
		t.timeout(15 * 60_000);
		await runSeeds(t, {first: 1, count: 4}, async (simulation) => {
			const {problems} = await converge(simulation, {isByzantine: isByzantine(simulation), joinsFast: true});
			if (problems.length > 0) throw new Error(problems.join('\n'));
		});
	},
);

test.serial('the same seed is the same run, to the byte of its trace', async (t) => {
	t.timeout(2 * 60_000);
	for (const [seed, joinsFast] of [
		[3, false],
		[4, false],
		[5, true],
	] as const) {
		const traces: string[] = [];
		for (let run = 0; run < 2; run++) {
			const simulation = new Simulation(seed);
			await converge(simulation, {isByzantine: isByzantine(simulation), joinsFast});
			traces.push(simulation.trace.join('\n'));
		}
		t.is(traces[0], traces[1]);
	}
});
