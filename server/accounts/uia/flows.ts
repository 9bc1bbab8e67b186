/** The authentication stages this server knows; a stage is a type of the specification's list. */
export const STAGES = [
	'm.login.password',
	'm.login.dummy',
	'm.login.registration_token',
	// No stage of the specification asks for a second factor. Clients show the page of a stage that they do not know.
	'org.broadsheet.login.second_factor',
] as const;

/** One of {@link STAGES}. */
export type Stage = (typeof STAGES)[number];

/** Stages to be completed one after the other; a request offers one flow or several. */
export interface Flow {
	readonly stages: readonly Stage[];
}

/** Whether some flow starts with the completed stages, in their order, and has `stage` next. */
export function mayAttempt(flows: readonly Flow[], completed: readonly Stage[], stage: Stage): boolean {
	return flows.some((flow) => startsWith(flow.stages, completed) && flow.stages[completed.length] === stage);
}

/** Whether the completed stages are all of some flow, in its order. */
export function isComplete(flows: readonly Flow[], completed: readonly Stage[]): boolean {
	return flows.some((flow) => flow.stages.length === completed.length && startsWith(flow.stages, completed));
}

/** Whether two lists offer the same flows in the same order. */
export function areSame(flows: readonly Flow[], others: readonly Flow[]): boolean {
	return JSON.stringify(flows) === JSON.stringify(others);
}

/** Narrows a type that came from a client to a stage this server knows. */
export function isStage(type: string): type is Stage {
	return STAGES.some((stage) => stage === type);
}

function startsWith(stages: readonly Stage[], start: readonly Stage[]): boolean {
	return start.length <= stages.length && start.every((stage, index) => stages[index] === stage);
}
