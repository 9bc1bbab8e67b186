export {SecondFactorError, type SecondFactorErrorCode} from './errors.ts';
export type {AuthenticationOptions, Passkey, Passkeys, RegistrationOptions} from './passkeys.ts';
export type {Factors, ProofVerdict, SecondFactorPolicy} from './policy.ts';
export {
	type CodeAttempt,
	createSecondFactor,
	type FactorOwner,
	type SecondFactor,
	type SecondFactorDependencies,
} from './second-factor.ts';
export type {TotpSetUp} from './totp.ts';
