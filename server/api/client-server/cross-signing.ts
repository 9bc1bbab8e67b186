import {isUserId, type JsonObject, type UserId} from '../../../crypto/index.ts';
import {MatrixError} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {encryptionErrcodes} from '../errors.ts';
import {route} from '../route.ts';
import {authField, requirePassword} from './interactive-auth.ts';

const bodyBytesMax = 1024 * 1024;
/** Keys in one request; a person who verifies others signs one at a time. */
const keysMax = 1000;

/**
 * Publishes the caller's cross-signing keys. Only who changes an identity that exists must prove who they are.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysdevice_signingupload
 */
export const uploadCrossSigningKeys = route({
	id: 'uploadCrossSigningKeys',
	method: 'POST',
	path: '/_matrix/client/v3/keys/device_signing/upload',
	alsoAt: ['/_matrix/client/unstable/keys/device_signing/upload'],
	auth: 'user',
	rateLimit: 'keys',
	numbers: 'lossless',
	body: v.object({
		master_key: v.optional(v.jsonObject()),
		self_signing_key: v.optional(v.jsonObject()),
		user_signing_key: v.optional(v.jsonObject()),
		auth: authField,
	}),
	async handle(request, services) {
		const {body, caller} = request;
		const keys = {master: body.master_key, selfSigning: body.self_signing_key, userSigning: body.user_signing_key};
		await services.encryption.uploadCrossSigningKeys(caller.userId, keys, () =>
			requirePassword(request, services, {purpose: 'uploadCrossSigningKeys'}),
		);
		return {};
	},
});

/**
 * Publishes signatures by the caller's keys; those that are not taken are named in the answer.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keyssignaturesupload
 */
export const uploadCrossSigningSignatures = route({
	id: 'uploadCrossSigningSignatures',
	method: 'POST',
	path: '/_matrix/client/v3/keys/signatures/upload',
	alsoAt: ['/_matrix/client/unstable/keys/signatures/upload'],
	auth: 'user',
	rateLimit: 'keys',
	bodyBytesMax,
	numbers: 'lossless',
	body: v.record(v.jsonObject(), {max: keysMax}),
	async handle({caller, body}, {encryption}) {
		const entries = Object.entries(body);
		const count = entries.reduce((sum, [, keys]) => sum + Object.keys(keys).length, 0);
		if (count > keysMax) {
			throw new MatrixError('M_INVALID_PARAM', `Expected at most ${keysMax} signed keys`);
		}
		const upload = entries.filter((entry): entry is [UserId, JsonObject] => isUserId(entry[0]));
		const failures = await encryption.uploadSignatures(
			caller,
			new Map(upload.map(([userId, keys]) => [userId, new Map(Object.entries(keys))])),
		);
		const byUser = new Map<string, [string, object][]>();
		for (const {userId, keyId, error} of failures) {
			const ofUser = byUser.get(userId) ?? [];
			ofUser.push([keyId, {errcode: encryptionErrcodes[error.code], error: error.message}]);
			byUser.set(userId, ofUser);
		}
		return {failures: Object.fromEntries([...byUser].map(([userId, keys]) => [userId, Object.fromEntries(keys)]))};
	},
});
