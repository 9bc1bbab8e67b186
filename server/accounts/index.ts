export {
	type AccountCaller,
	type Accounts,
	type AlsoWrite,
	type AccountsDependencies,
	createAccounts,
	nameTaken,
	type NewRegistrationToken,
	type Registration,
} from './accounts.ts';
export {LEAVE_ROOMS, REMOVE_CONTENT, REMOVE_ROOM_KEYS} from './deactivate.ts';
export {AccountsError, type AccountsErrorCode} from './errors.ts';
export {checkMay} from './gate.ts';
export {createLoginTokens, type LoginToken, type LoginTokenOwner, type LoginTokens} from './login-tokens.ts';
export {createModeration, type Moderation, type Restriction} from './moderation.ts';
export {createSharedSecret, type SharedSecret, type SharedSecretRequest} from './shared-secret.ts';
export {createSetUp, SET_UP_NAME, type SetUp} from './set-up.ts';
export {type PasswordProof, wrongPassword} from './sign-in.ts';
export {createUia, readClaimedName} from './stage-checks.ts';
export {
	type AuthData,
	AuthenticationRequired,
	type Challenge,
	type CheckedStage,
	type CompletedAuth,
	type Flow,
	isApprovalStage,
	isStage,
	type Stage,
	type UiaRequest,
	type UserInteractiveAuth,
} from './uia/index.ts';
export type {PasswordDirectory} from './password-directory.ts';
