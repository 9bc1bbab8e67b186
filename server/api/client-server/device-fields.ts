import type {DeviceRequest, IssuedSession, IssuedTokens} from '../../devices/index.ts';
import {v} from '../../validation/index.ts';

/** Longer names help nobody tell devices apart. */
export const deviceNameCharactersMax = 256;

/** What a login or registration says of its device. */
export const deviceFields = {
	device_id: v.optional(v.string()),
	initial_device_display_name: v.optional(v.string({max: deviceNameCharactersMax})),
	refresh_token: v.optional(v.boolean()),
};

/** Reads {@link deviceFields}. */
export function toDeviceRequest(body: {
	readonly device_id?: string | undefined;
	readonly initial_device_display_name?: string | undefined;
	readonly refresh_token?: boolean | undefined;
}): DeviceRequest {
	return {
		deviceId: body.device_id,
		displayName: body.initial_device_display_name,
		wantsRefresh: body.refresh_token === true,
	};
}

/** Tokens as the specification spells them. */
export function tokensBody({accessToken, refreshToken, expiresInMs}: IssuedTokens): object {
	return {
		access_token: accessToken,
		...(refreshToken === undefined ? {} : {refresh_token: refreshToken}),
		...(expiresInMs === undefined ? {} : {expires_in_ms: expiresInMs}),
	};
}

/** A session as logins and registrations answer it. */
export function sessionBody(session: IssuedSession): object {
	return {user_id: session.userId, device_id: session.deviceId, ...tokensBody(session)};
}
