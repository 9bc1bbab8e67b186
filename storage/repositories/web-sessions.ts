import {sql} from 'drizzle-orm';
import type {UserId} from '../../crypto/index.ts';
import {build, differs, equals} from '../catalog.ts';
import type {Core} from '../core.ts';
import type {WebSessionRow, WebSessionsRepository} from '../interfaces/web-sessions.ts';
import {tables} from '../schema/index.ts';
import {sweepOlder} from './sweep.ts';

const {webSessions} = tables;

/** Nobody has so many browsers. */
const LISTED_MAX = 1_000;

/** Makes the repository of browsers' sessions. */
export function createWebSessions(core: Core): WebSessionsRepository {
	const {catalog} = core;
	const add = core.put(catalog.insert(webSessions));
	const remove = core.put<{tokenHash: string}>(catalog.delete(webSessions, ['tokenHash']));
	const take = core.put<{tokenHash: string}>(catalog.delete(webSessions, ['tokenHash']), {
		expect: {changes: 1, condition: 'web_session'},
	});
	const expectThere = core.put(
		catalog.write<{tokenHash: string}>(
			(p) => sql`update ${webSessions} set expires_ts = expires_ts where ${equals(webSessions.tokenHash, p.tokenHash)}`,
		),
		{expect: {changes: 1, condition: 'web_session'}},
	);
	const removeOfUser = core.put(
		catalog.write<{userId: UserId; except: string}>(
			(p) => sql`delete from ${webSessions} where ${equals(webSessions.userId, p.userId)}
				and ${differs(webSessions.tokenHash, p.except)}`,
		),
	);
	const find = core.one<{tokenHash: string}, WebSessionRow>((p) =>
		build.select().from(webSessions).where(equals(webSessions.tokenHash, p.tokenHash)),
	);
	const listOfUser = core.many<{userId: UserId}, WebSessionRow>((p) =>
		build
			.select()
			.from(webSessions)
			.where(equals(webSessions.userId, p.userId))
			.orderBy(webSessions.expiresTs)
			.limit(LISTED_MAX),
	);
	return {
		add: (batch, session) => add(batch, session),
		expect: (batch, tokenHash) => expectThere(batch, {tokenHash}),
		find: (tokenHash) => find({tokenHash}),
		listOfUser: (userId) => listOfUser({userId}),
		remove: (batch, tokenHash) => remove(batch, {tokenHash}),
		removeOfUser: (batch, userId, except = '') => removeOfUser(batch, {userId, except}),
		take: (batch, tokenHash) => take(batch, {tokenHash}),
		sweep: sweepOlder(core, webSessions, webSessions.expiresTs),
	};
}
