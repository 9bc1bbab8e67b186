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

/** What is known of one user's keys, and of the signatures on them. */
export interface UserKeys extends KeyRows {
	readonly signatures: readonly KeySignatureRow[];
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

/** Keys of one user as somebody may see them. */
interface UserView {
	readonly devices: Record<string, JsonObject>;
	readonly master: JsonObject | undefined;
	readonly selfSigning: JsonObject | undefined;
	readonly userSigning: JsonObject | undefined;
}

/** Reads what is stored of users' keys. */
export async function readKeyRows({keys}: Storage, userIds: readonly UserId[]): Promise<KeyRows> {
	const [devices, crossSigning] = await Promise.all([keys.listDeviceKeys(userIds), keys.listCrossSigningKeys(userIds)]);
	return {devices, crossSigning};
}

/** Reads the signatures on users' keys, and puts all that is known of each user together. */
export async function groupByUser(
	{keys}: Storage,
	userIds: readonly UserId[],
	{devices, crossSigning}: KeyRows,
): Promise<Map<UserId, UserKeys>> {
	const signatures = await keys.listSignatures(userIds);
	const byUser = new Map<
		UserId,
		{devices: DeviceKeysRow[]; crossSigning: CrossSigningKeyRow[]; signatures: KeySignatureRow[]}
	>();
	for (const userId of userIds) byUser.set(userId, {devices: [], crossSigning: [], signatures: []});
	for (const row of devices) byUser.get(row.userId)?.devices.push(row);
	for (const row of crossSigning) byUser.get(row.userId)?.crossSigning.push(row);
	for (const row of signatures) byUser.get(row.userId)?.signatures.push(row);
	return byUser;
}

/**
 * Shows keys to a viewer. Of the signatures on somebody's keys one sees those that this person made and those that one
 * made oneself: who else vouches for whom is nobody's business.
 * @see https://spec.matrix.org/v1.19/client-server-api/#key-and-signature-security
 */
export function showKeys(known: ReadonlyMap<UserId, UserKeys>, wanted: DevicesByUser, viewer: Viewer): QueriedKeys {
	const views = [...wanted].map(([userId, deviceIds]): [UserId, UserView] => {
		const keys = known.get(userId);
		return [userId, keys === undefined ? nothing : pick(viewOf(keys, viewer), deviceIds)];
	});
	const collect = (of: (view: UserView) => JsonObject | undefined): Record<string, JsonObject> =>
		Object.fromEntries(
			views.flatMap(([userId, view]) => {
				const key = of(view);
				return key === undefined ? [] : [[userId, key]];
			}),
		);
	return {
		deviceKeys: Object.fromEntries(views.map(([userId, {devices}]) => [userId, devices])),
		masterKeys: collect(({master}) => master),
		selfSigningKeys: collect(({selfSigning}) => selfSigning),
		userSigningKeys: collect(({userSigning}) => userSigning),
	};
}

/** Puts answers about different users together. */
export function mergeKeys(answers: readonly QueriedKeys[]): QueriedKeys {
	// Not by assignment: names of outside must not be taken for more than names.
	const merge = <T>(pickFrom: (answer: QueriedKeys) => Record<string, T>): Record<string, T> =>
		Object.fromEntries(answers.flatMap((answer) => Object.entries(pickFrom(answer))));
	return {
		deviceKeys: merge((answer) => answer.deviceKeys),
		masterKeys: merge((answer) => answer.masterKeys),
		selfSigningKeys: merge((answer) => answer.selfSigningKeys),
		userSigningKeys: merge((answer) => answer.userSigningKeys),
	};
}

const nothing: UserView = {devices: {}, master: undefined, selfSigning: undefined, userSigning: undefined};

/** What everybody sees alike, by whether names are shown: most who look have signed nothing. */
const commonViews = new WeakMap<UserKeys, [UserView | undefined, UserView | undefined]>();

function viewOf(keys: UserKeys, {userId, seesNames}: Viewer): UserView {
	const isOwn = keys.devices[0]?.userId === userId || keys.crossSigning[0]?.userId === userId;
	if (isOwn || keys.signatures.some(({signer, userId: owner}) => signer === userId && signer !== owner)) {
		return makeView(keys, {userId, seesNames});
	}
	const known = commonViews.get(keys) ?? [undefined, undefined];
	commonViews.set(keys, known);
	return (known[seesNames ? 1 : 0] ??= makeView(keys, {userId: undefined, seesNames}));
}

function makeView({devices, crossSigning, signatures}: UserKeys, viewer: Viewer): UserView {
	const seen = signatures.filter(({signer, userId}) => signer === userId || signer === viewer.userId);
	const sign = (targetId: string, json: JsonObject): JsonObject =>
		withSignatures(
			json,
			seen.filter((row) => row.targetId === targetId),
		);
	const shown = devices.map(({deviceId, json, displayName}): [DeviceId, JsonObject] => {
		const unsigned: JsonObject =
			viewer.seesNames && displayName !== null ? {unsigned: {device_display_name: displayName}} : {};
		return [deviceId, {...sign(deviceId, json), ...unsigned}];
	});
	const keyOf = (usage: CrossSigningKeyRow['usage']): JsonObject | undefined => {
		const json = crossSigning.find((row) => row.usage === usage)?.json;
		return json && sign(idOfCrossSigningKey(json), json);
	};
	return {
		devices: Object.fromEntries(shown),
		master: keyOf('master'),
		selfSigning: keyOf('self_signing'),
		userSigning: crossSigning[0]?.userId === viewer.userId ? keyOf('user_signing') : undefined,
	};
}

/** Leaves devices out that were not asked for; none named means all. */
function pick(view: UserView, deviceIds: readonly DeviceId[]): UserView {
	if (deviceIds.length === 0) return view;
	const wanted = new Set<string>(deviceIds);
	return {...view, devices: Object.fromEntries(Object.entries(view.devices).filter(([id]) => wanted.has(id)))};
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
