import {sql} from 'drizzle-orm';
import type {UserId} from '../../crypto/index.ts';
import {above, bind, build, equals} from '../catalog.ts';
import type {Core} from '../core.ts';
import type {
	AccountOfAppservice,
	AccountRow,
	AccountStates,
	AccountsRepository,
	RegistrationTokenRow,
} from '../interfaces/accounts.ts';
import {tables} from '../schema/index.ts';
import {createAccountLock} from './account-lock.ts';
import {createAccountSearch} from './account-search.ts';
import {pageOf, readInChunks} from './page.ts';
import {sweepOlder} from './sweep.ts';

const {accounts, appserviceAccounts, identities, passkeys, registrationTokens: tokens} = tables;

function createRegistrationTokens(core: Core) {
	const {catalog} = core;
	const add = core.put(catalog.insert(tokens));
	const exists = {expect: {changes: 1, condition: 'registration_token'}} as const;
	const remove = core.put(catalog.delete(tokens, ['tokenHash']));
	const update = core.put(catalog.update(tokens, ['usesAllowed', 'expiresTs'], ['tokenHash']), exists);
	const redeem = core.put(
		catalog.write<{tokenHash: string; nowMs: number}>(
			(p) => sql`update ${tokens} set uses_done = uses_done + 1
				where ${equals(tokens.tokenHash, p.tokenHash)}
				and (uses_allowed is null or uses_done < uses_allowed)
				and (expires_ts is null or expires_ts > ${bind(tokens.expiresTs, p.nowMs)})`,
		),
		exists,
	);
	const find = core.one<{tokenHash: string}, RegistrationTokenRow>((p) =>
		build.select().from(tokens).where(equals(tokens.tokenHash, p.tokenHash)),
	);
	const list = core.many<object, RegistrationTokenRow>(() => build.select().from(tokens).orderBy(tokens.name));
	return {add, remove, update, redeem, find, list};
}

function createCheckWayIn(core: Core): AccountsRepository['checkWayIn'] {
	const {catalog} = core;
	const lockAccount = createAccountLock(core);
	const check = core.put(
		catalog.write<{userId: UserId; providerIds: readonly string[]}>(
			(p) => sql`update ${accounts} set created_day = created_day where ${equals(accounts.userId, p.userId)}
				and (password_hash is not null
					or exists (select 1 from ${passkeys} where ${equals(passkeys.userId, p.userId)})
					or exists (select 1 from ${identities} where ${equals(identities.userId, p.userId)}
						and ${catalog.isOneOf(identities.providerId, p.providerIds)}))`,
		),
		{expect: {changes: 1, condition: 'way_in'}},
	);
	return (batch, userId, providerIds) => {
		// What another process has removed meanwhile is seen by a statement that begins when the account is held.
		lockAccount(batch, userId);
		check(batch, {userId, providerIds});
	};
}

/** Makes the repository of accounts. */
export function createAccounts(core: Core): AccountsRepository {
	const {catalog} = core;
	const exists = {expect: {changes: 1, condition: 'account'}} as const;
	const add = core.put(catalog.insert(accounts));
	const setPassword = core.put(catalog.update(accounts, ['passwordHash'], ['userId']), exists);
	type States = {readonly [K in keyof AccountStates]-?: boolean | null};
	const setStates = core.put(
		catalog.write<States & {userId: string}>(
			(p) => sql`update ${accounts} set
				is_admin = coalesce(${bind(accounts.isAdmin, p.isAdmin)}, is_admin),
				is_deactivated = coalesce(${bind(accounts.isDeactivated, p.isDeactivated)}, is_deactivated),
				is_locked = coalesce(${bind(accounts.isLocked, p.isLocked)}, is_locked),
				is_suspended = coalesce(${bind(accounts.isSuspended, p.isSuspended)}, is_suspended),
				is_erased = coalesce(${bind(accounts.isErased, p.isErased)}, is_erased)
				where ${equals(accounts.userId, p.userId)}`,
		),
		exists,
	);
	const find = core.one<{userId: string}, AccountRow>((p) =>
		build.select().from(accounts).where(equals(accounts.userId, p.userId)),
	);
	const list = core.many<{after: string; limit: number}, AccountRow>((p) =>
		build
			.select()
			.from(accounts)
			.where(above(accounts.userId, p.after))
			.orderBy(accounts.userId)
			.limit(p.limit.placeholder),
	);
	const count = core.one<object, {count: number}>(() => build.select({count: sql<number>`count(*)`}).from(accounts));
	const setAppservice = core.put(catalog.upsert(appserviceAccounts, ['userId']));
	const listOfAppservices = core.many<{ids: readonly UserId[]}, AccountOfAppservice>((p) =>
		build.select().from(appserviceAccounts).where(catalog.isOneOf(appserviceAccounts.userId, p.ids)),
	);
	const registrationTokens = createRegistrationTokens(core);
	return {
		add,
		...createAccountSearch(core),
		checkWayIn: createCheckWayIn(core),
		setAppservice,
		listOfAppservices: (userIds) => readInChunks(userIds, (ids) => listOfAppservices({ids})),
		setPassword: (batch, userId, passwordHash) => setPassword(batch, {userId, passwordHash}),
		setStates(batch, userId, states) {
			const {isAdmin, isDeactivated, isLocked, isSuspended, isErased} = states;
			setStates(batch, {
				userId,
				isAdmin: isAdmin ?? null,
				isDeactivated: isDeactivated ?? null,
				isLocked: isLocked ?? null,
				isSuspended: isSuspended ?? null,
				isErased: isErased ?? null,
			});
		},
		find: (userId) => find({userId}),
		list: ({after, limit}) => list({after: after ?? '', limit: pageOf(limit)}),
		count: async () => (await count({}))?.count ?? 0,
		addRegistrationToken: registrationTokens.add,
		redeemRegistrationToken: (batch, tokenHash, nowMs) => registrationTokens.redeem(batch, {tokenHash, nowMs}),
		updateRegistrationToken: (batch, tokenHash, {usesAllowed, expiresTs}) =>
			registrationTokens.update(batch, {tokenHash, usesAllowed, expiresTs}),
		removeRegistrationToken: (batch, tokenHash) => registrationTokens.remove(batch, {tokenHash}),
		findRegistrationToken: (tokenHash) => registrationTokens.find({tokenHash}),
		listRegistrationTokens: () => registrationTokens.list({}),
		sweepRegistrationTokens: sweepOlder(core, tokens, tokens.expiresTs),
	};
}
