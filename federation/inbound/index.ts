export type {InboundContext} from './access.ts';
export type {Edu, EduReceiver, EduReceivers} from './edus.ts';
export {findEventByTime} from './find-by-time.ts';
export {InboundError, type InboundErrorCode} from './errors.ts';
export {listFirstMembers} from './first-members.ts';
export {JoinsUnderway} from './joins-underway.ts';
export {type InviteContext, type InvitePolicy, type InviteRequest, takeInvite} from './invites.ts';
export {
	type MemberEventRequest,
	makeMemberProto,
	type ProtoRequest,
	sendJoin,
	sendKnock,
	sendLeave,
} from './member-events.ts';
export {readBackfill, readEvent, readEventAuth, readMissingEvents, readState, readStateIds} from './read-events.ts';
export {type InboundTransaction, Staging, type StagingOptions} from './staging.ts';
export {EDUS_MAX, PDUS_MAX, takeTransaction, type TransactionContext, type TransactionRequest} from './transactions.ts';
