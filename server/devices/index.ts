export type {DeviceRow} from '../../storage/index.ts';
export {createDevices, type Devices} from './devices.ts';
export {DevicesError, type DevicesErrorCode} from './errors.ts';
export {ACCESS_TOKEN_LIFETIME_MS, type DeviceRequest, type IssuedSession, type IssuedTokens} from './open-session.ts';
