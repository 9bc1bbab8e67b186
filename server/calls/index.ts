export {type Calls, createCalls, type RtcTransport} from './calls.ts';
export type {TurnCredentials, TurnRelay} from './turn-credentials.ts';
