import {coarsenTokenEnds} from './coarsen-token-ends.ts';
import {completeRoom} from './complete-room.ts';
import {deleteRoom} from './delete-room.ts';
import {endSessions} from './end-sessions.ts';
import {endSources} from './end-sources.ts';
import {evictRemoteMedia} from './evict-remote-media.ts';
import {fileToDevice} from './file-to-device.ts';
import {findUnusedState} from './find-unused-state.ts';
import type {Job} from './job.ts';
import {leaveRooms} from './leave-rooms.ts';
import {mailLink} from './mail-link.ts';
import {mailNotice} from './mail-notice.ts';
import {raiseFloor} from './raise-floor.ts';
import {reclaimSpace} from './reclaim-space.ts';
import {redactUser} from './redact-user.ts';
import {removeContent} from './remove-content.ts';
import {removeNotices} from './remove-notices.ts';
import {removeRoomKeys} from './remove-room-keys.ts';
import {removeUnusedContent} from './remove-unused-content.ts';
import {removeUnusedState} from './remove-unused-state.ts';
import {sealAuditLog} from './seal-audit-log.ts';
import {sendDelayedEvent} from './send-delayed-event.ts';
import {sweepAdministrativeTasks} from './sweep-administrative-tasks.ts';
import {sweepAddresses} from './sweep-addresses.ts';
import {sweepClientTransactions} from './sweep-client-transactions.ts';
import {sweepFactCounts} from './sweep-fact-counts.ts';
import {sweepInboundTransactions} from './sweep-inbound-transactions.ts';
import {sweepOAuthClients} from './sweep-oauth-clients.ts';
import {sweepOAuthCodes} from './sweep-oauth-codes.ts';
import {sweepMailLinks} from './sweep-mail-links.ts';
import {sweepOutgoingEdus} from './sweep-outgoing-edus.ts';
import {sweepRegistrationTokens} from './sweep-registration-tokens.ts';
import {sweepReservedMedia} from './sweep-reserved-media.ts';
import {sweepSourceLinks} from './sweep-source-links.ts';
import {sweepStream} from './sweep-stream.ts';
import {sweepToDeviceIds} from './sweep-to-device-ids.ts';
import {sweepTombstones} from './sweep-tombstones.ts';
import {sweepUploads} from './sweep-uploads.ts';
import {tellHalfSignIn} from './tell-half-sign-in.ts';
import {tellSessions} from './tell-sessions.ts';

export type {Job, JobOutcome, JobRole, JobRun, JobServices} from './job.ts';
export {type JobNotice, type JobResult, JobRunner, type JobRunnerOptions} from './runner.ts';

/** Every background job: first those that a change adds, then those that run again and again. */
export const jobs: readonly Job[] = [
	completeRoom,
	deleteRoom,
	leaveRooms,
	mailLink,
	mailNotice,
	redactUser,
	removeContent,
	removeNotices,
	removeUnusedState,
	sendDelayedEvent,
	tellHalfSignIn,
	tellSessions,
	coarsenTokenEnds,
	endSessions,
	endSources,
	evictRemoteMedia,
	fileToDevice,
	findUnusedState,
	raiseFloor,
	reclaimSpace,
	removeRoomKeys,
	removeUnusedContent,
	sealAuditLog,
	sweepAddresses,
	sweepAdministrativeTasks,
	sweepClientTransactions,
	sweepFactCounts,
	sweepInboundTransactions,
	sweepMailLinks,
	sweepOAuthClients,
	sweepOAuthCodes,
	sweepOutgoingEdus,
	sweepRegistrationTokens,
	sweepReservedMedia,
	sweepSourceLinks,
	sweepStream,
	sweepToDeviceIds,
	sweepTombstones,
	sweepUploads,
];
