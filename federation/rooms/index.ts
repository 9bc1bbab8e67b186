export {type AuthEventsSubject, authEventKeys, selectAuthEvents} from './auth-events.ts';
export {
	type AuthContext,
	type AuthEventsContext,
	checkAuth,
	checkAuthEvents,
	stateOf,
	type VerifySignature,
} from './auth-rules/index.ts';
export {buildPdu, type EventFields} from './build-pdu.ts';
export {type ClientEventOptions, toClientEvent, toFederationEvent, toStrippedState} from './client-event.ts';
export {defaultPowerLevels} from './default-power-levels.ts';
export {
	EVENT_BYTES_MAX,
	type FormatFault,
	type ParsedPdu,
	type ParseOptions,
	parsePdu,
} from './event-format.ts';
export {
	calculateEventId,
	contentHash,
	hasRightContentHash,
	referenceHash,
	roomIdOfCreateEvent,
	signedForm,
} from './event-hashes.ts';
export {findPlaceByBits, type Glob, matchesGlob, parseGlob, wordsPerCharacter} from './glob.ts';
export {
	type HistoryVisibility,
	historyVisibilityOf,
	mayUserSee,
	maySeeEvent,
	type VisibilityFacts,
} from './history-visibility.ts';
export {isKnockable, isRestricted, joinRuleOf, listAllowedRooms, mayAuthoriseJoin} from './join-rules.ts';
export {mayApplyRedaction} from './may-apply-redaction.ts';
export {isMembership, membershipIn, membershipOf} from './membership.ts';
export type {Membership, Pdu, PduSignatures, RoomVersionId, StateKeyPair, StateLookup, Verdict} from './pdu.ts';
export {
	findRecommendation,
	isForPolicyServer,
	POLICY_KEY_ID,
	type PolicyServer,
	policyServerOf,
	withRecommendation,
} from './policy-server.ts';
export {
	eventLevel,
	notificationLevel,
	type PowerLevels,
	powerLevelsOf,
	readLevel,
	userLevel,
} from './power-levels.ts';
export {redactJson, redactPdu} from './redact.ts';
export {isServerAllowed} from './server-acl.ts';
export {mergeSignatures, signPdu, signaturesRequired} from './event-signatures.ts';
export {
	AuthChainIndex,
	type AuthEdges,
	type AuthGraph,
	BudgetExceeded,
	type Conflict,
	type ConflictResolutionInput,
	createAuthGraph,
	createWorkBudget,
	type EventNumbers,
	ForeignEvent,
	MissingEvents,
	type Rejection,
	type ResolutionInput,
	resolveConflict,
	resolveConflictInSteps,
	resolveLoading,
	resolveState,
	type StateKey,
	type StateMap,
	type StateResolutionInput,
	type Steps,
	separateStates,
	splitStateKey,
	stateKeyOf,
	type UnconflictedState,
	type WorkBudget,
} from './state-resolution/index.ts';
export {findRoomVersion, ROOM_VERSIONS, type RedactionRules, type RoomVersion, roomVersion} from './versions.ts';
