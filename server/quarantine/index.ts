export {QuarantineError, type QuarantineErrorCode} from './errors.ts';
export {
	createQuarantine,
	type Quarantine,
	type QuarantineDependencies,
	WAITING_TOKEN,
	type WaitingSession,
} from './quarantine.ts';
