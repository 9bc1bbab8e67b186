import {sql} from 'drizzle-orm';
import {bind, build, equals} from '../catalog.ts';
import type {Core} from '../core.ts';
import type {LoginTokenRow, LoginTokensRepository} from '../interfaces/calls.ts';
import {tables} from '../schema/index.ts';
import {sweepOlder} from './sweep.ts';

const {loginTokens} = tables;

/** Makes the repository of tokens that sign in once. */
export function createLoginTokens(core: Core): LoginTokensRepository {
	const {catalog} = core;
	const add = core.put(catalog.insert(loginTokens));
	const removeOfDevice = core.put(catalog.delete(loginTokens, ['userId', 'deviceId']));
	const redeem = core.put(
		catalog.write<{tokenHash: string; nowMs: number}>(
			(p) => sql`delete from ${loginTokens} where ${equals(loginTokens.tokenHash, p.tokenHash)}
				and expires_ts > ${bind(loginTokens.expiresTs, p.nowMs)}`,
		),
		{expect: {changes: 1, condition: 'login_token'}},
	);
	const find = core.one<{tokenHash: string}, LoginTokenRow>((p) =>
		build.select().from(loginTokens).where(equals(loginTokens.tokenHash, p.tokenHash)),
	);
	return {
		add(batch, token) {
			if (token.deviceId !== null) removeOfDevice(batch, {userId: token.userId, deviceId: token.deviceId});
			add(batch, token);
		},
		redeem: (batch, tokenHash, nowMs) => redeem(batch, {tokenHash, nowMs}),
		find: (tokenHash) => find({tokenHash}),
		sweep: sweepOlder(core, loginTokens, loginTokens.expiresTs),
	};
}
