import {sql} from 'drizzle-orm';
import type {DeviceId, UserId} from '../../crypto/index.ts';
import {build, equals} from '../catalog.ts';
import type {Core} from '../core.ts';
import type {OpenIdTokenRow, OpenIdTokensRepository} from '../interfaces/accounts.ts';
import {tables} from '../schema/index.ts';
import {sweepOlder} from './sweep.ts';

const {openidTokens} = tables;

/** Makes the repository of OpenID tokens. */
export function createOpenIdTokens(core: Core): OpenIdTokensRepository {
	const {catalog} = core;
	const add = core.put(catalog.insert(openidTokens));
	const trim = core.put(
		catalog.write<{userId: UserId; deviceId: DeviceId; kept: number}>(
			(p) => sql`delete from ${openidTokens} where token_hash in (
				select token_hash from ${openidTokens}
				where ${equals(openidTokens.userId, p.userId)} and ${equals(openidTokens.deviceId, p.deviceId)}
				order by expires_ts desc, token_hash limit 1000 offset ${p.kept.placeholder})`,
		),
	);
	const find = core.one<{tokenHash: string}, OpenIdTokenRow>((p) =>
		build.select().from(openidTokens).where(equals(openidTokens.tokenHash, p.tokenHash)),
	);
	return {
		add(batch, token, kept) {
			trim(batch, {userId: token.userId, deviceId: token.deviceId, kept});
			add(batch, token);
		},
		find: (tokenHash) => find({tokenHash}),
		sweep: sweepOlder(core, openidTokens, openidTokens.expiresTs),
	};
}
