import type {Verdict} from '../pdu.ts';

export const allowed: Verdict = {allowed: true};

/** Makes a refusal. The rule is the number the room version's specification gives it. */
export function refuse(rule: string, reason: string): Verdict {
	return {allowed: false, rule, reason};
}

/** Makes a refusal of an event that nobody in the room could send. */
export function refuseForm(rule: string, reason: string): Verdict {
	return {allowed: false, rule, reason, isMalformed: true};
}
