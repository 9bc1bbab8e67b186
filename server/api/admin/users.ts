import type {AccountWish, AdministeredAccount} from '../../administration/index.ts';
import {json, MatrixError} from '../../http/index.ts';
import {type Infer, v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {nextOffset, pageQuery, readPage} from './offset-page.ts';

const DAY_MS = 86_400_000;

type Listed = Omit<AdministeredAccount, 'appserviceId'>;

/** An account as Synapse's lists have it. What this server does not know is said as Synapse says it of who has none. */
function toListed(account: Listed) {
	return {
		name: account.userId,
		user_type: null,
		is_guest: account.isGuest,
		admin: account.isAdmin,
		deactivated: account.isDeactivated,
		erased: account.isErased,
		shadow_banned: false,
		displayname: account.displayName,
		avatar_url: account.avatarUrl,
		creation_ts: account.createdDay * DAY_MS,
		last_seen_ts: account.lastSeenDay === null ? null : account.lastSeenDay * DAY_MS,
		locked: account.isLocked,
		suspended: account.isSuspended,
		approved: true,
	};
}

/** An account alone: Synapse tells the time of its making in seconds here, and in milliseconds in lists. */
function toAccount(account: AdministeredAccount) {
	return {
		...toListed(account),
		creation_ts: account.createdDay * (DAY_MS / 1000),
		// Draupnir 3 wants a number; test 'Draupnir asks what it asks of Synapse, and reads the answers'.
		last_seen_ts: (account.lastSeenDay ?? 0) * DAY_MS,
		threepids: [],
		external_ids: [],
		appservice_id: account.appserviceId ?? null,
		consent_server_notice_sent: null,
		consent_version: null,
		consent_ts: null,
	};
}

const order = v.optional(
	v.literal(
		'name',
		'admin',
		'avatar_url',
		'creation_ts',
		'deactivated',
		'displayname',
		'is_guest',
		'last_seen_ts',
		'locked',
		'shadow_banned',
		'suspended',
		'user_type',
	),
);

/** Nobody has a type or is shadow-banned, and a picture's address says nothing: such lists are those of names. */
const orderOf = (wanted: Infer<typeof order> = 'name') =>
	wanted === 'avatar_url' || wanted === 'shadow_banned' || wanted === 'user_type' ? 'name' : wanted;

const listQuery = v.object({
	...pageQuery,
	user_id: v.optional(v.string()),
	name: v.optional(v.string()),
	guests: v.optional(v.boolean()),
	admins: v.optional(v.boolean()),
	deactivated: v.optional(v.boolean()),
	locked: v.optional(v.boolean()),
	suspended: v.optional(v.boolean()),
	shadow_banned: v.optional(v.boolean()),
	order_by: order,
});

/** Makes a list of accounts; the two versions of it differ in what `deactivated` asks for. */
function listRoute(id: string, path: string, readDeactivated: (wanted: boolean | undefined) => boolean | undefined) {
	return route({
		id,
		method: 'GET',
		path,
		auth: 'admin',
		query: listQuery,
		async handle({query}, {administration}) {
			const {name, user_id: userId, guests, admins, locked, suspended, shadow_banned: banned} = query;
			const page = readPage(query);
			if (banned === true) return {users: [], total: 0};
			const wish = {
				text: name,
				idPart: userId,
				isGuest: guests === false ? false : undefined,
				isAdmin: admins,
				isDeactivated: readDeactivated(query.deactivated),
				isLocked: locked === true ? undefined : false,
				isSuspended: suspended,
			};
			const isDescending = query.dir === 'b';
			const found = await administration.people.list(wish, {...page, order: orderOf(query.order_by), isDescending});
			const next = nextOffset(page, found.accounts.length, found.total);
			return {
				users: found.accounts.map(toListed),
				total: found.total,
				...(next !== undefined && {next_token: String(next)}),
			};
		},
	});
}

const usersPath = '/_synapse/admin/v2/users';

/** Lists accounts; those that have ended only where they are asked for. */
export const listUsersV2 = listRoute('adminListUsersV2', usersPath, (wanted) => (wanted === true ? undefined : false));

/** Lists accounts, those that have ended too unless said otherwise. */
export const listUsersV3 = listRoute('adminListUsersV3', '/_synapse/admin/v3/users', (wanted) => wanted);

/** Gives one account. */
export const getUser = route({
	id: 'adminGetUser',
	method: 'GET',
	path: `${usersPath}/:userId`,
	auth: 'admin',
	handle: async ({parameters}, {administration}) => toAccount(await administration.people.get(parameters.userId)),
});

const userBody = v.object({
	password: v.optional(v.string()),
	logout_devices: v.optional(v.boolean()),
	displayname: v.optional(v.nullable(v.string())),
	avatar_url: v.optional(v.nullable(v.string())),
	threepids: v.optional(v.array(v.jsonObject())),
	external_ids: v.optional(v.array(v.jsonObject())),
	admin: v.optional(v.boolean()),
	deactivated: v.optional(v.boolean()),
	locked: v.optional(v.boolean()),
	suspended: v.optional(v.boolean()),
	user_type: v.optional(v.nullable(v.string())),
});

function toWish(body: Infer<typeof userBody>): AccountWish {
	if ((body.threepids?.length ?? 0) > 0) {
		throw new MatrixError('M_THREEPID_DENIED', 'An address is left by the person themselves, and by nobody else');
	}
	if ((body.external_ids?.length ?? 0) > 0) {
		throw new MatrixError('M_INVALID_PARAM', 'Who signs in by another service is joined to it when they sign in');
	}
	if (typeof body.user_type === 'string') {
		throw new MatrixError('M_INVALID_PARAM', 'Accounts of this server have no type');
	}
	return {
		password: body.password,
		endsSessions: body.logout_devices ?? true,
		displayName: body.displayname ?? undefined,
		avatarUrl: body.avatar_url ?? undefined,
		isAdmin: body.admin,
		isLocked: body.locked,
		isSuspended: body.suspended,
		isDeactivated: body.deactivated,
	};
}

/** Makes an account, or changes one. */
export const putUser = route({
	id: 'adminPutUser',
	method: 'PUT',
	path: `${usersPath}/:userId`,
	auth: 'admin',
	body: userBody,
	async handle({caller, parameters: {userId}, body}, {administration: {people}}) {
		const {isNew} = await people.put(caller.userId, userId, toWish(body));
		return json(toAccount(await people.get(userId)), {status: isNew ? 201 : 200});
	},
});

/** Ends an account for good. */
export const deactivateUser = route({
	id: 'adminDeactivateUser',
	method: 'POST',
	path: '/_synapse/admin/v1/deactivate/:userId',
	auth: 'admin',
	body: v.object({erase: v.optional(v.boolean())}),
	async handle({caller, parameters, body}, {administration}) {
		await administration.people.deactivate(caller.userId, parameters.userId, {erase: body.erase ?? false});
		return {id_server_unbind_result: 'success'};
	},
});

/** Sets somebody's password. */
export const resetPassword = route({
	id: 'adminResetPassword',
	method: 'POST',
	path: '/_synapse/admin/v1/reset_password/:userId',
	auth: 'admin',
	body: v.object({new_password: v.string(), logout_devices: v.optional(v.boolean())}),
	async handle({caller, parameters: {userId}, body}, {administration}) {
		const endsSessions = body.logout_devices ?? true;
		await administration.people.setPassword(caller.userId, userId, body.new_password, {endsSessions});
		return {};
	},
});

const adminPath = '/_synapse/admin/v1/users/:userId/admin';

/** Tells whether somebody is an administrator. */
export const getUserAdmin = route({
	id: 'adminGetUserAdmin',
	method: 'GET',
	path: adminPath,
	auth: 'admin',
	handle: async ({parameters}, {administration}) => ({
		admin: (await administration.people.get(parameters.userId)).isAdmin,
	}),
});

/** Makes somebody an administrator. */
export const setUserAdmin = route({
	id: 'adminSetUserAdmin',
	method: 'PUT',
	path: adminPath,
	auth: 'admin',
	body: v.object({admin: v.boolean()}),
	async handle({caller, parameters, body}, {administration}) {
		await administration.people.setAdmin(caller.userId, parameters.userId, body.admin);
		return {};
	},
});

/** Suspends an account, or ends that; the specification's own endpoint does the same. */
export const suspendUser = route({
	id: 'adminSuspendUser',
	method: 'PUT',
	path: '/_synapse/admin/v1/suspend/:userId',
	auth: 'admin',
	body: v.object({suspend: v.boolean()}),
	async handle({caller, parameters: {userId}, body: {suspend}}, {moderation}) {
		await moderation.set(caller.userId, userId, 'isSuspended', suspend);
		return {[`user_${userId}_suspended`]: suspend};
	},
});

/** Tells whether a name can be given to a new account. */
export const getUsernameAvailable = route({
	id: 'adminUsernameAvailable',
	method: 'GET',
	path: '/_synapse/admin/v1/username_available',
	auth: 'admin',
	query: v.object({username: v.string()}),
	async handle({query}, {accounts}) {
		if (await accounts.isNameTaken(accounts.checkNewName(query.username))) {
			throw new MatrixError('M_USER_IN_USE', 'This user name is taken');
		}
		return {available: true};
	},
});
