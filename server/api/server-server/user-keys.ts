import {type DeviceId, isUserId, type UserId} from '../../../crypto/index.ts';
import {MatrixError, rawJson} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

const bodyBytesMax = 1024 * 1024;
const usersMax = 5000;
const devicesMax = 10_000;

/**
 * Gives keys of users of this server that the asking one may know of; of others, and of names that nobody has, none.
 * @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1userkeysquery
 */
export const queryUserEncryptionKeys = route({
	id: 'queryUserEncryptionKeys',
	method: 'POST',
	path: '/_matrix/federation/v1/user/keys/query',
	auth: 'server',
	rateLimit: 'federation-keys',
	bodyBytesMax,
	body: v.object({device_keys: v.record(v.array(v.string()), {max: usersMax})}),
	async handle({caller, body}, {encryption}) {
		const wanted = Object.entries(body.device_keys).filter((entry): entry is [UserId, DeviceId[]] =>
			isUserId(entry[0]),
		);
		const keys = await encryption.queryKeysForServer(caller.origin, new Map(wanted));
		return {
			device_keys: keys.deviceKeys,
			master_keys: keys.masterKeys,
			self_signing_keys: keys.selfSigningKeys,
		};
	},
});

/**
 * Takes one-time keys of users of this server, likewise.
 * @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1userkeysclaim
 */
export const claimUserEncryptionKeys = route({
	id: 'claimUserEncryptionKeys',
	method: 'POST',
	path: '/_matrix/federation/v1/user/keys/claim',
	auth: 'server',
	rateLimit: 'federation-keys',
	bodyBytesMax,
	body: v.object({one_time_keys: v.record(v.record(v.string({max: 255})), {max: usersMax})}),
	async handle({caller, body}, {encryption}) {
		const claims = Object.entries(body.one_time_keys)
			.filter((entry): entry is [UserId, Record<string, string>] => isUserId(entry[0]))
			.map(([userId, devices]) => [userId, new Map(Object.entries(devices) as [DeviceId, string][])] as const);
		if (claims.reduce((sum, [, devices]) => sum + devices.size, 0) > devicesMax) {
			throw new MatrixError('M_INVALID_PARAM', `Expected at most ${devicesMax} devices`);
		}
		const {text} = await encryption.claimKeysForServer(caller.origin, new Map(claims));
		return rawJson(`{"one_time_keys":${text}}`);
	},
});
