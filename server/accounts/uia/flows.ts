/** The stages that are completed by what a client or a page of a stage sends; most are types of the specification's list. */
const CHECKED_STAGES = [
	'm.login.password',
	'm.login.dummy',
	'm.login.registration_token',
	'm.login.email.identity',
	// No stage of the specification asks for a second factor. Clients show the page of a stage that they do not know.
	'org.broadsheet.login.second_factor',
] as const;

/** The stages that somebody completes on a page of the server; the second is what clients called it before. */
const APPROVAL_STAGES = ['m.oauth', 'org.matrix.cross_signing_reset'] as const;

/** A stage that is completed by what a client sends. */
export type CheckedStage = (typeof CHECKED_STAGES)[number];

/** A stage that somebody completes on a page of the server. */
type ApprovalStage = (typeof APPROVAL_STAGES)[number];

/** An authentication stage that this server knows. */
export type Stage = CheckedStage | ApprovalStage;

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

/** Narrows a type that came from a client to a stage that it can complete. */
export function isStage(type: string): type is CheckedStage {
	return CHECKED_STAGES.some((stage) => stage === type);
}

/** Whether a type that came from a client is a stage that it cannot complete itself. */
export function isApprovalStage(type: string): type is ApprovalStage {
	return APPROVAL_STAGES.some((stage) => stage === type);
}

function startsWith(stages: readonly Stage[], start: readonly Stage[]): boolean {
	return start.length <= stages.length && start.every((stage, index) => stages[index] === stage);
}
