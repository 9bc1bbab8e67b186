export {type InboundContext, openRoom, openRoomForMember} from './access.ts';
export type {Edu, EduReceiver, EduReceivers} from './edus.ts';
export {InboundError, type InboundErrorCode} from './errors.ts';
export {type InviteContext, type InvitePolicy, type InviteRequest, pruneStripped, takeInvite} from './invites.ts';
export {
	type MemberEventRequest,
	makeMemberProto,
	type ProtoRequest,
	sendJoin,
	sendKnock,
	sendLeave,
} from './member-events.ts';
export {readBackfill, readEvent, readEventAuth, readMissingEvents, readState, readStateIds} from './read-events.ts';
export {type InboundTransaction, roomIdOf, Staging, type StagingOptions} from './staging.ts';
export {EDUS_MAX, PDUS_MAX, takeTransaction, type TransactionContext, type TransactionRequest} from './transactions.ts';
