import type {JsonObject} from '../../../crypto/index.ts';
import {MatrixError} from '../../http/index.ts';
import type {Pusher, SetPusher} from '../../pushers/index.ts';
import {type Infer, v} from '../../validation/index.ts';
import {route} from '../route.ts';

const ENABLED = 'org.matrix.msc3881.enabled';
const DEVICE_ID = 'org.matrix.msc3881.device_id';

function toJson(pusher: SetPusher): JsonObject {
	return {
		app_display_name: pusher.appDisplayName,
		app_id: pusher.appId,
		data: pusher.data,
		device_display_name: pusher.deviceDisplayName,
		kind: pusher.kind,
		lang: pusher.lang,
		...(pusher.profileTag !== undefined && {profile_tag: pusher.profileTag}),
		pushkey: pusher.pushkey,
		[ENABLED]: pusher.isEnabled,
		[DEVICE_ID]: pusher.deviceId,
	};
}

/**
 * Lists where the caller is notified.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushers
 */
export const getPushers = route({
	id: 'getPushers',
	method: 'GET',
	path: '/_matrix/client/v3/pushers',
	auth: 'user',
	handle: async ({caller}, {pushers}) => ({pushers: (await pushers.list(caller.userId)).map(toJson)}),
});

const body = v.object({
	app_display_name: v.optional(v.string()),
	app_id: v.string(),
	append: v.optional(v.boolean()),
	data: v.optional(v.jsonObject()),
	device_display_name: v.optional(v.string()),
	kind: v.nullable(v.string()),
	lang: v.optional(v.string()),
	profile_tag: v.optional(v.string()),
	pushkey: v.string(),
	[ENABLED]: v.optional(v.boolean()),
});

function readPusher(kind: string, wish: Infer<typeof body>): Pusher {
	const {app_display_name: appDisplayName, device_display_name: deviceDisplayName, lang, data} = wish;
	if (appDisplayName === undefined || deviceDisplayName === undefined || lang === undefined || data === undefined) {
		const names = ['app_display_name', 'device_display_name', 'lang', 'data'] as const;
		const missing = names.filter((name) => wish[name] === undefined);
		throw new MatrixError('M_MISSING_PARAM', `Missing: ${missing.join(', ')}`);
	}
	if (data['url'] === undefined) throw new MatrixError('M_MISSING_PARAM', 'Missing: data.url');
	return {
		appId: wish.app_id,
		pushkey: wish.pushkey,
		kind,
		appDisplayName,
		deviceDisplayName,
		profileTag: wish.profile_tag,
		lang,
		data,
		isEnabled: wish[ENABLED] ?? true,
	};
}

/**
 * Sets where the caller is notified, or with `kind: null` no longer is.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3pushersset
 */
export const postPusher = route({
	id: 'postPusher',
	method: 'POST',
	path: '/_matrix/client/v3/pushers/set',
	auth: 'user',
	body,
	async handle({caller, body: wish}, {pushers}) {
		if (wish.kind === null) {
			await pushers.remove(caller.userId, {appId: wish.app_id, pushkey: wish.pushkey});
		} else {
			await pushers.set(caller, readPusher(wish.kind, wish), {isAlone: wish.append !== true});
		}
		return {};
	},
});
