export type {AuthorizationRequest, Decision} from './authorization.ts';
export type {ConsentClient} from './consent-client.ts';
export {OAuthError, type OAuthErrorCode} from './errors.ts';
export {type AccountAction, PATHS} from './metadata.ts';
export {createOAuth, type OAuth, type WaitingDevice} from './oauth.ts';
export type {ProtocolAnswer} from './serve.ts';
