import type {Route} from '../../http/index.ts';
import type {Services} from '../../services.ts';
import {answeringOnGrid, refusingOnGrid} from '../grid.ts';
import {getAccountData, getAccountDataPerRoom, setAccountData, setAccountDataPerRoom} from './account-data.ts';
import {deactivateAccount} from './account-deactivation.ts';
import {getAdminLockUser, getAdminSuspendUser, getWhoIs, setAdminLockUser, setAdminSuspendUser} from './admin.ts';
import {
	add3Pid,
	bind3Pid,
	delete3Pid,
	getAccount3pids,
	post3Pids,
	requestTokenTo3PidEmail,
	requestTokenToRegisterEmail,
	requestTokenToResetPasswordEmail,
	unbind3Pid,
} from './administrative-contact.ts';
import {pingAppservice, updateAppserviceRoomDirectoryVisibility} from './application-services.ts';
import {
	getConfigAuthed,
	getContentAuthed,
	getContentOverrideNameAuthed,
	getContentThumbnailAuthed,
	getUrlPreviewAuthed,
} from './authed-content-repo.ts';
import {ban, unban} from './banning.ts';
import {getCapabilities} from './capabilities.ts';
import {
	createContent,
	getConfig,
	getContent,
	getContentOverrideName,
	getContentThumbnail,
	getUrlPreview,
	uploadContent,
	uploadContentToMxc,
} from './content-repo.ts';
import {createRoom} from './create-room.ts';
import {uploadCrossSigningKeys, uploadCrossSigningSignatures} from './cross-signing.ts';
import {deleteDevice, deleteDevices, getDevice, getDevices, updateDevice} from './device-management.ts';
import {deleteRoomAlias, getLocalAliases, getRoomIdByAlias, setRoomAlias} from './directory.ts';
import {getEventContext} from './event-context.ts';
import {inviteUser} from './inviting.ts';
import {joinRoom, joinRoomById} from './joining.ts';
import {
	deleteRoomKeyBySessionId,
	deleteRoomKeys,
	deleteRoomKeysByRoomId,
	deleteRoomKeysVersion,
	getRoomKeyBySessionId,
	getRoomKeys,
	getRoomKeysByRoomId,
	getRoomKeysVersion,
	getRoomKeysVersionCurrent,
	postRoomKeysVersion,
	putRoomKeyBySessionId,
	putRoomKeys,
	putRoomKeysByRoomId,
	putRoomKeysVersion,
} from './key-backup.ts';
import {claimKeys, getKeysChanges, queryKeys, uploadKeys} from './keys.ts';
import {kick} from './kicking.ts';
import {knockRoom} from './knocking.ts';
import {forgetRoom, leaveRoom} from './leaving.ts';
import {defineFilter, getFilter} from './filter.ts';
import {getJoinedRooms} from './list-joined-rooms.ts';
import {
	getPublicRooms,
	getRoomVisibilityOnDirectory,
	queryPublicRooms,
	setRoomVisibilityOnDirectory,
} from './list-public-rooms.ts';
import {getLoginFlows, login} from './login.ts';
import {generateLoginToken} from './login-token.ts';
import {logout, logoutAll} from './logout.ts';
import {getRoomEvents} from './message-pagination.ts';
import {
	deleteDehydratedDevice,
	getDehydratedDevice,
	getDehydratedEvents,
	postDehydratedEvents,
	putDehydratedDevice,
} from './msc3814-dehydrated-devices.ts';
import {
	actOnDelayedEvent,
	getDelayedEvent,
	getDelayedEvents,
	scheduleDelayedEvent,
	updateDelayedEvent,
} from './msc4140-delayed-events.ts';
import {getRtcTransports} from './msc4143-rtc-transports.ts';
import {slidingSync} from './msc4186-sliding-sync.ts';
import {getMutualRooms, getMutualRoomsOfProposal} from './mutual-rooms.ts';
import {getNotifications} from './notifications.ts';
import {getPushers, postPusher} from './pusher.ts';
import {getEvents, getOneEvent, initialSync} from './old-sync.ts';
import {requestOpenIdToken} from './openid.ts';
import {changePassword} from './password-management.ts';
import {getPresence, setPresence} from './presence.ts';
import {deleteProfileField, getProfileField, getUserProfile, setProfileField} from './profile.ts';
import {redactEvent} from './redaction.ts';
import {
	deletePushRule,
	getPushRule,
	getPushRuleActions,
	getPushRules,
	getPushRulesGlobal,
	isPushRuleEnabled,
	setPushRule,
	setPushRuleActions,
	setPushRuleEnabled,
} from './pushrules.ts';
import {setReadMarker} from './read-markers.ts';
import {postReceipt} from './receipts.ts';
import {refresh} from './refresh.ts';
import {
	getRelatingEvents,
	getRelatingEventsWithRelType,
	getRelatingEventsWithRelTypeAndEventType,
} from './relations.ts';
import {registrationTokenValidity} from './registration-tokens.ts';
import {checkUsernameAvailability, register} from './registration.ts';
import {reportEvent, reportRoom, reportUser} from './report-content.ts';
import {getEventByTimestamp} from './room-event-by-timestamp.ts';
import {roomInitialSync} from './room-initial-sync.ts';
import {sendMessage} from './room-send.ts';
import {getRoomSummary} from './room-summary.ts';
import {setRoomStateWithKey} from './room-state.ts';
import {upgradeRoom} from './room-upgrades.ts';
import {getJoinedMembersByRoom, getMembersByRoom, getOneRoomEvent, getRoomState, getRoomStateWithKey} from './rooms.ts';
import {search} from './search.ts';
import {getSpaceHierarchy} from './space-hierarchy.ts';
import {createSourceLink, deleteSourceLink, endSourceAccount, listSourceLinks} from './source-links.ts';
import {redirectToIdp, redirectToSso} from './sso-login-redirect.ts';
import {getWellknownSupport} from './support.ts';
import {sync} from './sync.ts';
import {deleteRoomTag, getRoomTags, setRoomTag} from './tags.ts';
import {getProtocols, thirdPartyLookups} from './third-party-lookup.ts';
import {getThreadRoots} from './threads-list.ts';
import {setTyping} from './typing.ts';
import {sendToDevice} from './to-device.ts';
import {endUpstreamSession} from './upstream-logout.ts';
import {searchUserDirectory} from './users.ts';
import {getVersions} from './versions.ts';
import {getTurnServer} from './voip.ts';
import {getWellknown, getWellknownPolicy} from './wellknown.ts';
import {getTokenOwner} from './whoami.ts';

export {whoIs} from './admin.ts';
export {deviceNameCharactersMax, sessionBody, toDeviceRequest} from './device-fields.ts';
export {spendSignIn, spendTry} from './interactive-auth.ts';
export {openAccount} from './registration.ts';

/** The client-server API but for what follows, in the order of the specification's files. */
export const clientServerRoutes: readonly Route<Services>[] = [
	setAccountData,
	getAccountData,
	setAccountDataPerRoom,
	getAccountDataPerRoom,
	deactivateAccount,
	getWhoIs,
	getAdminSuspendUser,
	setAdminSuspendUser,
	getAdminLockUser,
	setAdminLockUser,
	getAccount3pids,
	post3Pids,
	add3Pid,
	bind3Pid,
	delete3Pid,
	unbind3Pid,
	requestTokenTo3PidEmail,
	requestTokenToRegisterEmail,
	requestTokenToResetPasswordEmail,
	pingAppservice,
	updateAppserviceRoomDirectoryVisibility,
	ban,
	unban,
	getCapabilities,
	createRoom,
	uploadCrossSigningKeys,
	uploadCrossSigningSignatures,
	getDevices,
	getDevice,
	updateDevice,
	deleteDevice,
	deleteDevices,
	setRoomAlias,
	refusingOnGrid(getRoomIdByAlias),
	refusingOnGrid(deleteRoomAlias),
	getLocalAliases,
	refusingOnGrid(getEventContext),
	inviteUser,
	refusingOnGrid(joinRoomById),
	refusingOnGrid(joinRoom),
	postRoomKeysVersion,
	getRoomKeysVersionCurrent,
	getRoomKeysVersion,
	putRoomKeysVersion,
	deleteRoomKeysVersion,
	putRoomKeyBySessionId,
	getRoomKeyBySessionId,
	deleteRoomKeyBySessionId,
	putRoomKeysByRoomId,
	getRoomKeysByRoomId,
	deleteRoomKeysByRoomId,
	putRoomKeys,
	getRoomKeys,
	deleteRoomKeys,
	uploadKeys,
	queryKeys,
	claimKeys,
	getKeysChanges,
	kick,
	refusingOnGrid(knockRoom),
	leaveRoom,
	forgetRoom,
	defineFilter,
	getFilter,
	getJoinedRooms,
	getRoomVisibilityOnDirectory,
	setRoomVisibilityOnDirectory,
	getPublicRooms,
	queryPublicRooms,
	getLoginFlows,
	generateLoginToken,
	login,
	logout,
	logoutAll,
	refusingOnGrid(getRoomEvents),
	putDehydratedDevice,
	getDehydratedDevice,
	deleteDehydratedDevice,
	getDehydratedEvents,
	postDehydratedEvents,
	getDelayedEvent,
	getDelayedEvents,
	scheduleDelayedEvent,
	updateDelayedEvent,
	actOnDelayedEvent,
	getRtcTransports,
	getMutualRooms,
	getMutualRoomsOfProposal,
	getNotifications,
	getOneEvent,
	requestOpenIdToken,
	changePassword,
	setPresence,
	getPresence,
	getUserProfile,
	getProfileField,
	setProfileField,
	deleteProfileField,
	redactEvent,
	getPushers,
	postPusher,
	getPushRules,
	getPushRulesGlobal,
	getPushRule,
	setPushRule,
	deletePushRule,
	isPushRuleEnabled,
	setPushRuleEnabled,
	getPushRuleActions,
	setPushRuleActions,
	setReadMarker,
	postReceipt,
	refresh,
	register,
	checkUsernameAvailability,
	registrationTokenValidity,
	getRelatingEvents,
	getRelatingEventsWithRelType,
	getRelatingEventsWithRelTypeAndEventType,
	reportRoom,
	reportEvent,
	reportUser,
	getEventByTimestamp,
	roomInitialSync,
	sendMessage,
	refusingOnGrid(getRoomSummary),
	refusingOnGrid(setRoomStateWithKey),
	getRoomTags,
	setRoomTag,
	deleteRoomTag,
	getThreadRoots,
	refusingOnGrid(getSpaceHierarchy),
	setTyping,
	sendToDevice,
	upgradeRoom,
	refusingOnGrid(getOneRoomEvent),
	getRoomStateWithKey,
	refusingOnGrid(getRoomState),
	refusingOnGrid(getMembersByRoom),
	refusingOnGrid(getJoinedMembersByRoom),
	search,
	answeringOnGrid(searchUserDirectory),
	redirectToSso,
	redirectToIdp,
	createSourceLink,
	listSourceLinks,
	deleteSourceLink,
	endSourceAccount,
	endUpstreamSession,
	getProtocols,
	...thirdPartyLookups,
	getVersions,
	getTurnServer,
	getTokenOwner,
];

/** Uploads and downloads: they may go to processes of their own. */
export const mediaRoutes: readonly Route<Services>[] = [
	getContentAuthed,
	getContentOverrideNameAuthed,
	getContentThumbnailAuthed,
	getUrlPreviewAuthed,
	getConfigAuthed,
	uploadContent,
	uploadContentToMxc,
	createContent,
	getContent,
	getContentOverrideName,
	getContentThumbnail,
	getUrlPreview,
	getConfig,
];

/** Long polls: they may go to processes of their own. */
export const syncRoutes: readonly Route<Services>[] = [slidingSync, sync, getEvents, initialSync];

/** What clients ask of the server name's own host. */
export const clientWellKnownRoutes: readonly Route<Services>[] = [
	getWellknownSupport,
	getWellknownPolicy,
	getWellknown,
];
