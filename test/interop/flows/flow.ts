import type {Line} from '../../harness/index.ts';
import type {Somebody} from './somebody.ts';

/** What a flow is given: one person on each server, and the line between the servers. */
export interface Scene {
	/** Whoever makes the rooms; each flow is gone through with either side as the host. */
	readonly host: Somebody;
	readonly guest: Somebody;
	/** Others on the host's server and the guest's. */
	readonly another: Somebody;
	readonly stranger: Somebody;
	readonly roomVersion: string;
	/** Cuts both directions while `during` runs. */
	readonly apart: (during: () => Promise<void>) => Promise<void>;
}

/** Something that two servers must be able to do together. Ends when both have seen all of it. */
export interface Flow {
	readonly name: string;
	/** In which versions it differs; by default it is tried in the version that most rooms have. */
	readonly versions?: readonly string[];
	run(scene: Scene): Promise<void>;
}

/** Gives who does something to whom, one way and the other. */
export const bothWays = ({host, guest}: Pick<Scene, 'guest' | 'host'>): readonly (readonly [Somebody, Somebody])[] => [
	[host, guest],
	[guest, host],
];

/** Cuts several lines, runs something, and mends them whatever became of it. */
export async function whileCut(lines: readonly Line[], during: () => Promise<void>): Promise<void> {
	for (const line of lines) line.cut();
	try {
		await during();
	} finally {
		for (const line of lines) line.mend();
	}
}
