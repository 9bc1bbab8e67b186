export {RecoveryError, type RecoveryErrorCode} from './errors.ts';
export {
	createRecovery,
	type LinkProof,
	type OpenedLink,
	readClientProof,
	type Recovery,
	type RecoveryDependencies,
} from './recovery.ts';
