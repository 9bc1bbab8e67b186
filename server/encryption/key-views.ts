import type {DeviceId, JsonObject, UserId} from '../../crypto/index.ts';
import {isJsonObject} from '../../crypto/index.ts';
import type {CrossSigningKeyRow, DeviceKeysRow, KeySignatureRow, Storage} from '../../storage/index.ts';
import type {DevicesByUser, KeysByUser} from './dependencies.ts';
import {idOfCrossSigningKey, memberOf} from './key-objects.ts';

/** What is known of users' keys, before anybody is shown it. */
export interface KeyRows {
	readonly devices: readonly DeviceKeysRow[];
	readonly crossSigning: readonly CrossSigningKeyRow[];
}

/** Keys as somebody may see them. */
export interface QueriedKeys {
	/** Every user asked about is in it, with no devices where there are none to be seen. */
	readonly deviceKeys: KeysByUser;
	readonly masterKeys: Record<string, JsonObject>;
	readonly selfSigningKeys: Record<string, JsonObject>;
	/** The viewer's own, if asked for. */
	readonly userSigningKeys: Record<string, JsonObject>;
}

/** Who looks. */
export interface Viewer {
	/** `undefined`: another server, which is shown only what everybody may see. */
	readonly userId: UserId | undefined;
	/** Whether names of devices are shown. */
	readonly seesNames: boolean;
}

/** Reads what is stored of users' keys. */
export async function readKeyRows({keys}: Storage, userIds: readonly UserId[]): Promise<KeyRows> {
	const [devices, crossSigning] = await Promise.all([keys.listDeviceKeys(userIds), keys.listCrossSigningKeys(userIds)]);
	return {devices, crossSigning};
}

/**
 * Shows keys to a viewer. Of the signatures on somebody's keys one sees those that this person made and those that one
 * made oneself: who else vouches for whom is nobody's business.
 * @see https://spec.matrix.org/v1.19/client-server-api/#key-and-signature-security
 */
export async function showKeys(
	storage: Storage,
	{devices, crossSigning}: KeyRows,
	wanted: DevicesByUser,
	viewer: Viewer,
): Promise<QueriedKeys> {
	const signatures = groupSignatures(await storage.keys.listSignatures([...wanted.keys()]), viewer);
	const sign = (userId: UserId, targetId: string, json: JsonObject): JsonObject =>
		withSignatures(json, signatures.get(userId)?.get(targetId) ?? []);
	const byUser = new Map<UserId, Map<DeviceId, JsonObject>>([...wanted.keys()].map((userId) => [userId, new Map()]));
	for (const {userId, deviceId, json, displayName} of devices) {
		const ids = wanted.get(userId);
		if (ids === undefined || (ids.length > 0 && !ids.includes(deviceId))) continue;
		const unsigned: JsonObject =
			viewer.seesNames && displayName !== null ? {unsigned: {device_display_name: displayName}} : {};
		byUser.get(userId)?.set(deviceId, {...sign(userId, deviceId, json), ...unsigned});
	}
	const ofUsage = (usage: CrossSigningKeyRow['usage']): Record<string, JsonObject> =>
		Object.fromEntries(
			crossSigning
				.filter((row) => row.usage === usage && wanted.has(row.userId))
				.map(({userId, json}) => [userId, sign(userId, idOfCrossSigningKey(json), json)]),
		);
	const userSigning = Object.entries(ofUsage('user_signing')).filter(([userId]) => userId === viewer.userId);
	return {
		deviceKeys: Object.fromEntries([...byUser].map(([userId, keys]) => [userId, Object.fromEntries(keys)])),
		masterKeys: ofUsage('master'),
		selfSigningKeys: ofUsage('self_signing'),
		userSigningKeys: Object.fromEntries(userSigning),
	};
}

/** Puts answers about different users together. */
export function mergeKeys(answers: readonly QueriedKeys[]): QueriedKeys {
	// Not by assignment: names of outside must not be taken for more than names.
	const merge = <T>(pick: (answer: QueriedKeys) => Record<string, T>): Record<string, T> =>
		Object.fromEntries(answers.flatMap((answer) => Object.entries(pick(answer))));
	return {
		deviceKeys: merge((answer) => answer.deviceKeys),
		masterKeys: merge((answer) => answer.masterKeys),
		selfSigningKeys: merge((answer) => answer.selfSigningKeys),
		userSigningKeys: merge((answer) => answer.userSigningKeys),
	};
}

function groupSignatures(
	rows: readonly KeySignatureRow[],
	viewer: Viewer,
): Map<UserId, Map<string, readonly KeySignatureRow[]>> {
	const groups = new Map<UserId, Map<string, KeySignatureRow[]>>();
	for (const row of rows) {
		if (row.signer !== row.userId && row.signer !== viewer.userId) continue;
		const ofUser = groups.get(row.userId) ?? new Map<string, KeySignatureRow[]>();
		groups.set(row.userId, ofUser.set(row.targetId, [...(ofUser.get(row.targetId) ?? []), row]));
	}
	return groups;
}

function withSignatures(json: JsonObject, rows: readonly KeySignatureRow[]): JsonObject {
	if (rows.length === 0) return json;
	const present = memberOf(json, 'signatures');
	const signatures = new Map(isJsonObject(present) ? Object.entries(present) : []);
	for (const {signer, signerKeyId, signature} of rows) {
		const bySigner = signatures.get(signer);
		signatures.set(signer, {...(isJsonObject(bySigner) && bySigner), [signerKeyId]: signature});
	}
	return {...json, signatures: Object.fromEntries(signatures)};
}
