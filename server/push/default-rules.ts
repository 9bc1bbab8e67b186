import type {UserId} from '../../crypto/index.ts';
import type {Actions, Condition, PushRule} from './rule.ts';

const eventMatch = (key: string, pattern: string): Condition => ({kind: 'event_match', key, pattern});
const ofType = (type: string): Condition => eventMatch('type', type);
const isState = eventMatch('state_key', '');

const sound = (value: string) => ({set_tweak: 'sound', value});
const highlight = {set_tweak: 'highlight'};

const rule = (ruleId: string, conditions: readonly Condition[], actions: Actions): PushRule => ({
	rule_id: ruleId,
	default: true,
	enabled: true,
	conditions,
	actions,
});

/** The rule that turns everything off; it counts before all others, those of users too. */
export const masterRule: PushRule = {...rule('.m.rule.master', [], []), enabled: false};

/** @see https://spec.matrix.org/v1.19/client-server-api/#default-override-rules */
export function defaultOverrideRules(userId: UserId): PushRule[] {
	return [
		rule('.m.rule.suppress_notices', [eventMatch('content.msgtype', 'm.notice')], []),
		rule(
			'.m.rule.invite_for_me',
			[ofType('m.room.member'), eventMatch('content.membership', 'invite'), eventMatch('state_key', userId)],
			['notify', sound('default')],
		),
		rule('.m.rule.member_event', [ofType('m.room.member')], []),
		rule(
			'.m.rule.is_user_mention',
			[{kind: 'event_property_contains', key: 'content.m\\.mentions.user_ids', value: userId}],
			['notify', sound('default'), highlight],
		),
		rule(
			'.m.rule.is_room_mention',
			[
				{kind: 'event_property_is', key: 'content.m\\.mentions.room', value: true},
				{kind: 'sender_notification_permission', key: 'room'},
			],
			['notify', highlight],
		),
		rule('.m.rule.tombstone', [ofType('m.room.tombstone'), isState], ['notify', highlight]),
		rule('.m.rule.reaction', [ofType('m.reaction')], []),
		rule('.m.rule.room.server_acl', [ofType('m.room.server_acl'), isState], []),
		rule(
			'.m.rule.suppress_edits',
			[{kind: 'event_property_is', key: 'content.m\\.relates_to.rel_type', value: 'm.replace'}],
			[],
		),
	];
}

const isOneToOne: Condition = {kind: 'room_member_count', is: '2'};

/** @see https://spec.matrix.org/v1.19/client-server-api/#default-underride-rules */
export const defaultUnderrideRules: readonly PushRule[] = [
	rule('.m.rule.call', [ofType('m.call.invite')], ['notify', sound('ring')]),
	rule('.m.rule.encrypted_room_one_to_one', [isOneToOne, ofType('m.room.encrypted')], ['notify', sound('default')]),
	rule('.m.rule.room_one_to_one', [isOneToOne, ofType('m.room.message')], ['notify', sound('default')]),
	rule('.m.rule.message', [ofType('m.room.message')], ['notify']),
	rule('.m.rule.encrypted', [ofType('m.room.encrypted')], ['notify']),
];
