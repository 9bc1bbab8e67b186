/**
 * All that an account of a source link may call: to write and read in its room with a client that encrypts. No push
 * gateway is told of it, nobody is looked for, and nothing is said about itself to anybody outside. What is not here is
 * refused, whatever is added to the server.
 */
export const operationsOfSources: ReadonlySet<string> = new Set([
	// Signing in and out, and what a client asks first.
	'getCapabilities',
	'getTokenOwner',
	'logout',
	'logout_all',
	'changePassword',
	'deactivateAccount',
	'getDevices',
	'getDevice',
	'updateDevice',
	'deleteDevice',
	'deleteDevices',
	// Encryption.
	'uploadKeys',
	'queryKeys',
	'claimKeys',
	'getKeysChanges',
	'uploadCrossSigningKeys',
	'uploadCrossSigningSignatures',
	'sendToDevice',
	'postRoomKeysVersion',
	'getRoomKeysVersionCurrent',
	'getRoomKeysVersion',
	'putRoomKeysVersion',
	'deleteRoomKeysVersion',
	'putRoomKeyBySessionId',
	'getRoomKeyBySessionId',
	'deleteRoomKeyBySessionId',
	'putRoomKeysByRoomId',
	'getRoomKeysByRoomId',
	'deleteRoomKeysByRoomId',
	'putRoomKeys',
	'getRoomKeys',
	'deleteRoomKeys',
	// Being told.
	'sync',
	'slidingSync',
	'defineFilter',
	'getFilter',
	'getPushRules',
	'getPushRulesGlobal',
	'getPushRule',
	'setPushRule',
	'deletePushRule',
	'isPushRuleEnabled',
	'setPushRuleEnabled',
	'getPushRuleActions',
	'setPushRuleActions',
	'getPushers',
	// Settings.
	'setAccountData',
	'getAccountData',
	'setAccountDataPerRoom',
	'getAccountDataPerRoom',
	'getRoomTags',
	'setRoomTag',
	'deleteRoomTag',
	// The room.
	'joinRoomById',
	'joinRoom',
	'leaveRoom',
	'forgetRoom',
	'getJoinedRooms',
	'sendMessage',
	'redactEvent',
	'setTyping',
	'postReceipt',
	'setReadMarker',
	'getRoomEvents',
	'getEventContext',
	'getOneRoomEvent',
	'getRoomState',
	'getRoomStateWithKey',
	'getMembersByRoom',
	'getJoinedMembersByRoom',
	'getRelatingEvents',
	'getRelatingEventsWithRelType',
	'getRelatingEventsWithRelTypeAndEventType',
	'getThreadRoots',
	'getEventByTimestamp',
	'getUserProfile',
	'getProfileField',
	// Files.
	'uploadContent',
	'uploadContentToMXC',
	'createContent',
	'getConfig',
	'getConfigAuthed',
	'getContentAuthed',
	'getContentOverrideNameAuthed',
	'getContentThumbnailAuthed',
]);

/**
 * Which pages of those that change an account its source may use: to see where it is signed in, to have its keys replaced,
 * to take what is theirs and to end it. It has no address and no factor, which would tell who it is or outlast it, and its
 * password is made for it. What is not here is refused, as above.
 */
const pagesOfSources: ReadonlySet<string> = new Set([
	'getSessionsPage',
	'postSessionsPage',
	'getIdentityReset',
	'postIdentityReset',
	'getDataPage',
	'postDataPage',
	'getDeactivatePage',
	'postDeactivatePage',
]);

/** Whether a source may use a page that changes its account, by the page's id. */
export const isPageOfSources = (pageId: string): boolean => pagesOfSources.has(pageId);

/** The room that the path of a request names, whichever operation it is; absent: none. */
export function roomNamedIn(uri: string): string | undefined {
	const name = /\/(?:rooms|join)\/([^/?]+)/.exec(uri)?.[1];
	if (name === undefined) return undefined;
	try {
		return decodeURIComponent(name);
	} catch {
		// No room has a name that cannot be read.
		return '';
	}
}
