import {asc, desc, type SQL, sql} from 'drizzle-orm';
import type {JsonValue} from '../../crypto/index.ts';
import {bind, build, type Value, type Values} from '../catalog.ts';
import type {Core} from '../core.ts';
import type {AccountOrder, AccountQuery, AccountSearch, ListedAccount} from '../interfaces/account-search.ts';
import {tables} from '../schema/index.ts';
import {pageOf} from './page.ts';

const {accounts, devices, profiles} = tables;

/** A question about a flag: wanted, unwanted, or not asked. */
const NOT_ASKED = -1;
const asked = (flag: boolean | undefined): number => (flag === undefined ? NOT_ASKED : Number(flag));

interface Question {
	idPattern: string;
	namePattern: string;
	isAdmin: number;
	isGuest: number;
	isDeactivated: number;
	isLocked: number;
	isSuspended: number;
}

const patternOf = (text: string): string => `%${text.toLowerCase().replaceAll(/[!%_]/g, '!$&')}%`;

function questionOf({text, idPart, isAdmin, isGuest, isDeactivated, isLocked, isSuspended}: AccountQuery): Question {
	return {
		// What stands before a colon is the localpart.
		idPattern: text === undefined ? patternOf(idPart ?? '') : `${patternOf(text)}:%`,
		namePattern: text === undefined ? '' : patternOf(text),
		isAdmin: asked(isAdmin),
		isGuest: asked(isGuest),
		isDeactivated: asked(isDeactivated),
		isLocked: asked(isLocked),
		isSuspended: asked(isSuspended),
	};
}

// Spelt with their tables: within one table's statement drizzle leaves those away.
const fieldOf = (key: string): SQL<JsonValue> =>
	sql<JsonValue>`(select profiles.value from ${profiles} where profiles.user_id = accounts.user_id
		and profiles.key = ${sql.raw(`'${key}'`)})`.mapWith(profiles.value);
const lastSeen = sql<number | null>`(select max(devices.last_seen_day) from ${devices}
	where devices.user_id = accounts.user_id)`;

function matches(p: Values<Question>): SQL {
	const id = bind(accounts.userId, p.idPattern);
	const name = bind(accounts.userId, p.namePattern);
	const flags: readonly (readonly [string, Value<number>])[] = [
		['is_admin', p.isAdmin],
		['is_guest', p.isGuest],
		['is_deactivated', p.isDeactivated],
		['is_locked', p.isLocked],
		['is_suspended', p.isSuspended],
	];
	const answers = flags.map(
		([column, value]) =>
			sql`cast(${bind(accounts.createdDay, value)} as integer) in (${sql.raw(String(NOT_ASKED))}, accounts.${sql.raw(column)})`,
	);
	return sql`(lower(accounts.user_id) like ${id} escape '!'
		or lower(${fieldOf('displayname')}) like ${name} escape '!') and ${sql.join(answers, sql` and `)}`;
}

/** By what numbers accounts are ordered; the other orders are those of texts. */
const numbers: Readonly<Partial<Record<AccountOrder, SQL>>> = {
	admin: sql`accounts.is_admin`,
	creation_ts: sql`accounts.created_day`,
	deactivated: sql`accounts.is_deactivated`,
	is_guest: sql`accounts.is_guest`,
	last_seen_ts: sql`coalesce(${lastSeen}, 0)`,
	locked: sql`accounts.is_locked`,
	suspended: sql`accounts.is_suspended`,
};

function orderBy(order: Value<AccountOrder>, isDescending: boolean): SQL[] {
	const direction = isDescending ? desc : asc;
	const cases = Object.entries(numbers).map(([name, value]) => sql`when ${sql.raw(`'${name}'`)} then ${value}`);
	const chosen = bind(accounts.userId, order);
	return [
		direction(sql`case ${chosen} ${sql.join(cases, sql` `)} else 0 end`),
		direction(
			sql`case ${chosen} when 'name' then accounts.user_id when 'displayname' then coalesce(${fieldOf('displayname')}, '')
				else '' end`,
		),
		asc(sql`accounts.user_id`),
	];
}

/** Makes the reads by which administrators look for accounts. */
export function createAccountSearch(core: Core): AccountSearch {
	type Page = Question & {order: AccountOrder; offset: number; limit: number};
	const list = (isDescending: boolean) =>
		core.many<Page, ListedAccount>((p) =>
			build
				.select({
					userId: accounts.userId,
					isAdmin: accounts.isAdmin,
					isGuest: accounts.isGuest,
					isDeactivated: accounts.isDeactivated,
					isLocked: accounts.isLocked,
					isSuspended: accounts.isSuspended,
					isErased: accounts.isErased,
					createdDay: accounts.createdDay,
					displayName: fieldOf('displayname'),
					avatarUrl: fieldOf('avatar_url'),
					lastSeenDay: lastSeen,
				})
				.from(accounts)
				.where(matches(p))
				.orderBy(...orderBy(p.order, isDescending))
				.limit(p.limit.placeholder)
				.offset(p.offset.placeholder),
		);
	const lists = {ascending: list(false), descending: list(true)};
	const count = core.one<Question, {count: number}>((p) =>
		build.select({count: sql<number>`count(*)`}).from(accounts).where(matches(p)),
	);
	return {
		search: (query, {order, isDescending, offset, limit}) =>
			lists[isDescending ? 'descending' : 'ascending']({
				...questionOf(query),
				order,
				offset: Math.max(0, Math.trunc(offset)),
				limit: pageOf(limit),
			}),
		countFound: async (query) => (await count(questionOf(query)))?.count ?? 0,
	};
}
