import type {RoomId} from '../../crypto/index.ts';
import type {Condition, PushRule, RuleKind, Ruleset} from './rule.ts';

/** A rule for a room, made after one for another room. */
export interface CopiedRule {
	readonly kind: RuleKind;
	readonly rule: PushRule;
}

const namesRoom = (condition: Condition, roomId: RoomId): boolean =>
	condition['kind'] === 'event_match' && condition['key'] === 'room_id' && condition['pattern'] === roomId;

/** Lists rules that say of one room what a user's own rules say of another. */
export function copyRulesOfRoom(own: Ruleset, from: RoomId, to: RoomId): CopiedRule[] {
	const copies: CopiedRule[] = own.room
		.filter((rule) => rule.rule_id === from)
		.map((rule) => ({kind: 'room', rule: {...rule, rule_id: to}}));
	for (const kind of ['override', 'underride'] as const) {
		for (const rule of own[kind]) {
			const conditions = rule.conditions ?? [];
			if (!conditions.some((condition) => namesRoom(condition, from))) continue;
			const copied = conditions.map((condition) =>
				namesRoom(condition, from) ? {...condition, pattern: to} : condition,
			);
			// Clients name such a rule after its room; one with another name gets the room's beside it.
			const id = rule.rule_id === from ? to : `${rule.rule_id} ${to}`;
			copies.push({kind, rule: {...rule, rule_id: id, conditions: copied}});
		}
	}
	return copies;
}
