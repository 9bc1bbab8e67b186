export {
	createEphemeral,
	type Ephemeral,
	type EphemeralChange,
	type EphemeralDependencies,
	type PassingEdu,
} from './ephemeral.ts';
export {type Presence, type PresenceContent, type PresenceState, STATUS_MAX} from './presence.ts';
export {TypingError, type Typing} from './typing.ts';
