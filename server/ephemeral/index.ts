export {createEphemeral, type Ephemeral, type EphemeralChange, type EphemeralDependencies} from './ephemeral.ts';
export type {Presence, PresenceContent, PresenceState} from './presence.ts';
export {TypingError, type Typing} from './typing.ts';
