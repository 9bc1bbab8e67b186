export {ProfilesError, type ProfilesErrorCode} from './errors.ts';
export type {Profile} from './fields.ts';
export {queryRemoteProfile} from './remote-profile.ts';
export {createProfiles, type Profiles, type ProfilesDependencies} from './profiles.ts';
