export {createDevices, type Device, type DeviceKey, type Devices, unknownRefreshToken} from './devices.ts';
export {DevicesError, type DevicesErrorCode} from './errors.ts';
export {
	type DeviceRequest,
	type IssuedSession,
	type IssuedTokens,
	type OpenedSession,
	type RemovalHook,
	type RemovalReason,
	type SessionHook,
} from './open-session.ts';
