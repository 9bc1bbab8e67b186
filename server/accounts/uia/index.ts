export {type CheckedStage, type Flow, isApprovalStage, isStage, type Stage} from './flows.ts';
export {createUiaSessions, type Credentials} from './sessions.ts';
export {
	type AuthData,
	AuthenticationRequired,
	type Challenge,
	type CompletedAuth,
	createUserInteractiveAuth,
	type StageAttempt,
	type StageChecks,
	type StageVerdict,
	type UiaRequest,
	type UserInteractiveAuth,
} from './user-interactive-auth.ts';
