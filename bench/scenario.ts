/** What a scenario is, and what it is given. */
import type {LoadClient} from './load-client.ts';
import type {Bounds, Figures} from './measure.ts';
import type {Population} from './population.ts';

/** The server under load, and the bounds. */
export interface Bench extends Population, Bounds {
	readonly client: LoadClient;
	readonly url: string;
	/** The server's process; empty where it is not known. */
	readonly pids: readonly number[];
	readonly senders: readonly number[] | undefined;
	/** The server was started by somebody else, and so are those that it federates with. */
	readonly isExternal: boolean;
	readonly partnerUrl: string | undefined;
	readonly partnerPid: number | undefined;
}

/** One row of the table of scenarios. */
export interface Scenario {
	readonly id: string;
	/** One sentence for the list. */
	readonly about: string;
	/** Whether it loads the common server (a scenario of its own servers does not). */
	readonly needsServer: boolean;
	/** Why it cannot run here, or undefined. */
	findObstacle?(bench: Bench): string | undefined;
	run(bench: Bench): Promise<Figures[]>;
}
