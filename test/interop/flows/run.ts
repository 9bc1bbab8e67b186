import type {Line, ServerProcess} from '../../harness/index.ts';
import {type Flow, type Scene, whileCut} from './flow.ts';
import {Somebody} from './somebody.ts';

/** The version that most rooms have, for flows that are the same in all of them. */
const USUAL_VERSION = '11';

/** A server, and what the others reach it through. */
export interface Reachable {
	readonly server: ServerProcess;
	readonly line: Line;
}

/** One way to go through a flow: in a version, with one of the two servers as the host. */
export interface Passage {
	readonly flow: Flow;
	readonly roomVersion: string;
	readonly host: Reachable;
	readonly guest: Reachable;
}

/** Lists the passages of some flows: in each of their versions, and both ways. */
export function listPassages(flows: readonly Flow[], one: Reachable, other: Reachable): readonly Passage[] {
	return flows.flatMap((flow) =>
		(flow.versions ?? [USUAL_VERSION]).flatMap((roomVersion) => [
			{flow, roomVersion, host: one, guest: other},
			{flow, roomVersion, host: other, guest: one},
		]),
	);
}

/** Goes through a flow with people of its own; `id` makes their names. */
export async function goThrough({flow, roomVersion, host, guest}: Passage, id: number): Promise<void> {
	const scene: Scene = {
		host: await Somebody.register(host.server, `host-${id}`),
		another: await Somebody.register(host.server, `another-${id}`),
		guest: await Somebody.register(guest.server, `guest-${id}`),
		stranger: await Somebody.register(guest.server, `stranger-${id}`),
		roomVersion,
		apart: (during) => whileCut([host.line, guest.line], during),
	};
	await flow.run(scene);
}
