import {accountPath, deactivatePath, resetDone, resetForm, resetGone, sessionsPath} from '../../../web/index.ts';
import {type AccountAction, PATHS} from '../../oauth/index.ts';
import type {Services} from '../../services.ts';
import {v} from '../../validation/index.ts';
import type {WebSession} from '../../web-sessions/index.ts';
import {pageRoute} from './page-route.ts';

/** The page of each thing that clients send people here for. */
const pageOf: Readonly<Record<AccountAction, string>> = {
	'org.matrix.profile': accountPath,
	'org.matrix.devices_list': sessionsPath,
	'org.matrix.device_view': sessionsPath,
	'org.matrix.device_delete': sessionsPath,
	'org.matrix.account_deactivate': deactivatePath,
	'org.matrix.cross_signing_reset': PATHS.reset,
	'org.matrix.sessions_list': sessionsPath,
	'org.matrix.session_view': sessionsPath,
	'org.matrix.session_end': sessionsPath,
};

function findPage(action: string | undefined): string {
	const [, path] = Object.entries(pageOf).find(([known]) => known === action || known === `org.matrix.${action}`) ?? [];
	return path ?? accountPath;
}

/**
 * Sends people whom a client sends here to the page for what they want.
 * @see https://spec.matrix.org/v1.19/client-server-api/#account-management-url-parameters
 */
export const getOAuthAccount = pageRoute({
	id: 'getOAuthAccount',
	method: 'GET',
	path: PATHS.account,
	access: 'anyone',
	query: v.object({
		action: v.optional(v.string({max: 255})),
		device_id: v.optional(v.string({max: 255})),
		session: v.optional(v.string({max: 255})),
	}),
	handle({query: {action, device_id: deviceId, session}}) {
		const more = new URLSearchParams({
			...(deviceId !== undefined && {device_id: deviceId}),
			...(session !== undefined && {session}),
		});
		return {to: more.size === 0 ? findPage(action) : `${findPage(action)}?${more.toString()}`};
	},
});

const query = v.object({session: v.optional(v.string({max: 255}))});

/** The session that waits for its person to let it replace their keys: what it is called. */
async function findWaiting(
	{uia, devices}: Services,
	{userId}: WebSession,
	session: string | undefined,
): Promise<string | undefined> {
	if (userId === undefined || session === undefined) return undefined;
	const target = uia.findApprovable(session, userId);
	const device = (await devices.list(userId)).find(({deviceId}) => deviceId === target);
	return device && (device.displayName ?? device.deviceId);
}

/**
 * Asks whether a session may replace its person's keys.
 * @see https://spec.matrix.org/v1.19/client-server-api/#oauth-authentication
 */
export const getIdentityReset = pageRoute({
	id: 'getIdentityReset',
	method: 'GET',
	path: PATHS.reset,
	access: 'changing',
	query,
	async handle({view, session, query: {session: uiaSession}}, services) {
		const name = await findWaiting(services, session, uiaSession);
		return name === undefined ? {page: resetGone(view), status: 404} : {page: resetForm(view, name)};
	},
});

/** Lets that session replace them, once, while its interactive authentication is open. */
export const postIdentityReset = pageRoute({
	id: 'postIdentityReset',
	method: 'POST',
	path: PATHS.reset,
	access: 'changing',
	query,
	handle({view, session: {userId}, query: {session}}, {uia}) {
		const isApproved = userId !== undefined && session !== undefined && uia.approve(session, userId);
		return isApproved ? {page: resetDone(view)} : {page: resetGone(view), status: 404};
	},
});
