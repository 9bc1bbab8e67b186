export {
	createWebSessions,
	type GivenProof,
	HALF_SIGN_IN,
	type Proof,
	type ProofPolicy,
	type WebSession,
	type WebSessions,
	type WebSessionsDependencies,
} from './web-sessions.ts';
export {ownPath} from './own-path.ts';
