import {sql} from 'drizzle-orm';
import type {DeviceId, UserId} from '../../crypto/index.ts';
import {bind, build, equals} from '../catalog.ts';
import type {Core} from '../core.ts';
import type {
	OAuthClientRow,
	OAuthCodeRow,
	OAuthDeviceCodeRow,
	OAuthRepository,
	OAuthSessionRow,
	WaitingCodeRow,
} from '../interfaces/oauth.ts';
import {tables} from '../schema/index.ts';
import {sweepAll, sweepOlder} from './sweep.ts';

const {oauthClients, oauthCodes, oauthDeviceCodes, oauthSessions} = tables;

/** A client of which no session is left. */
const isUnused = sql`not exists (select 1 from ${oauthSessions} where ${oauthSessions.clientId} = ${oauthClients.clientId})`;

const onceOnly = {expect: {changes: 1, condition: 'oauth_code'}} as const;

type ClientMethod = 'addClient' | 'findClient' | 'sweepClients';

function createClients(core: Core): Pick<OAuthRepository, ClientMethod> {
	const {catalog} = core;
	const add = core.put(catalog.upsert(oauthClients, ['clientId']));
	const trim = core.put(
		catalog.write<{kept: number}>(
			(p) => sql`delete from ${oauthClients} where client_id in (
				select client_id from ${oauthClients} where ${isUnused}
				order by used_ts desc, client_id limit 1000 offset ${p.kept.placeholder})`,
		),
	);
	const find = core.one<{clientId: string}, OAuthClientRow>((p) =>
		build.select().from(oauthClients).where(equals(oauthClients.clientId, p.clientId)),
	);
	return {
		addClient(batch, client, kept) {
			add(batch, client);
			trim(batch, {kept});
		},
		findClient: (clientId) => find({clientId}),
		sweepClients: sweepOlder(core, oauthClients, oauthClients.usedTs, isUnused),
	};
}

type CodeMethod = 'addCode' | 'findCode' | 'useCode' | 'sweepCodes';

function createCodes(core: Core): Pick<OAuthRepository, CodeMethod> {
	const {catalog} = core;
	const add = core.put(catalog.insert(oauthCodes));
	const find = core.one<{codeHash: string}, OAuthCodeRow>((p) =>
		build.select().from(oauthCodes).where(equals(oauthCodes.codeHash, p.codeHash)),
	);
	const use = core.put(
		catalog.write<{codeHash: string}>(
			(p) => sql`update ${oauthCodes} set is_used = 1 where ${equals(oauthCodes.codeHash, p.codeHash)} and is_used = 0`,
		),
		onceOnly,
	);
	return {
		addCode: add,
		findCode: (codeHash) => find({codeHash}),
		useCode: (batch, codeHash) => use(batch, {codeHash}),
		sweepCodes: sweepAll([
			sweepOlder(core, oauthCodes, oauthCodes.expiresTs),
			sweepOlder(core, oauthDeviceCodes, oauthDeviceCodes.expiresTs),
		]),
	};
}

type DeviceCodeMethod =
	| 'addDeviceCode'
	| 'findDeviceCode'
	| 'findDeviceCodeByUserCode'
	| 'setPolled'
	| 'decideDeviceCode';

function createDeviceCodes(core: Core): Pick<OAuthRepository, DeviceCodeMethod> {
	const {catalog} = core;
	const add = core.put(catalog.insert(oauthDeviceCodes));
	const find = core.one<{codeHash: string}, OAuthDeviceCodeRow>((p) =>
		build.select().from(oauthDeviceCodes).where(equals(oauthDeviceCodes.codeHash, p.codeHash)),
	);
	const findByUserCode = core.one<{userCodeHash: string}, OAuthDeviceCodeRow>((p) =>
		build.select().from(oauthDeviceCodes).where(equals(oauthDeviceCodes.userCodeHash, p.userCodeHash)),
	);
	const setPolled = core.put(catalog.update(oauthDeviceCodes, ['polledTs'], ['codeHash']));
	const decide = core.put(
		catalog.write<{
			codeHash: string;
			from: OAuthDeviceCodeRow['state'];
			state: OAuthDeviceCodeRow['state'];
			userId: UserId | '';
			upstreamProviderId: string | null;
			upstreamSessionId: string | null;
		}>(
			(p) => sql`update ${oauthDeviceCodes} set state = ${bind(oauthDeviceCodes.state, p.state)},
				user_id = ${bind(oauthDeviceCodes.userId, p.userId)},
				upstream_provider_id = ${bind(oauthDeviceCodes.upstreamProviderId, p.upstreamProviderId)},
				upstream_session_id = ${bind(oauthDeviceCodes.upstreamSessionId, p.upstreamSessionId)}
				where ${equals(oauthDeviceCodes.codeHash, p.codeHash)} and ${equals(oauthDeviceCodes.state, p.from)}`,
		),
		onceOnly,
	);
	return {
		addDeviceCode: add,
		findDeviceCode: (codeHash) => find({codeHash}),
		findDeviceCodeByUserCode: (userCodeHash) => findByUserCode({userCodeHash}),
		setPolled: (batch, codeHash, polledTs) => setPolled(batch, {codeHash, polledTs}),
		decideDeviceCode: decide,
	};
}

/** More than anybody has at once: codes end within minutes. */
const LISTED_MAX = 1_000;

type ConsentMethod = 'removeCodesOf' | 'listCodesOf' | 'removeCode';

/** What of codes and device codes is a person's who consented; those that nobody has consented to are nobody's. */
function createConsents(core: Core): Pick<OAuthRepository, ConsentMethod> {
	const kinds = [oauthCodes, oauthDeviceCodes].map((table) => {
		const {codeHash, upstreamProviderId, upstreamSessionId} = table;
		return {
			removeOf: core.put(core.catalog.delete(table, ['userId'])),
			remove: core.put(core.catalog.delete(table, ['codeHash'])),
			list: core.many<{userId: UserId}, WaitingCodeRow>((p) =>
				build
					.select({codeHash, upstreamProviderId, upstreamSessionId})
					.from(table)
					.where(equals(table.userId, p.userId))
					.limit(LISTED_MAX),
			),
		};
	});
	return {
		removeCodesOf(batch, userId) {
			for (const {removeOf} of kinds) removeOf(batch, {userId});
		},
		listCodesOf: async (userId) => (await Promise.all(kinds.map(({list}) => list({userId})))).flat(),
		removeCode(batch, codeHash) {
			for (const {remove} of kinds) remove(batch, {codeHash});
		},
	};
}

/** Makes the repository of what signing in by OAuth keeps. */
export function createOAuth(core: Core): OAuthRepository {
	const {catalog} = core;
	const find = core.one<{userId: UserId; deviceId: DeviceId}, OAuthSessionRow>((p) =>
		build
			.select()
			.from(oauthSessions)
			.where(sql`${equals(oauthSessions.userId, p.userId)} and ${equals(oauthSessions.deviceId, p.deviceId)}`),
	);
	const list = core.many<{userId: UserId}, OAuthSessionRow>((p) =>
		build.select().from(oauthSessions).where(equals(oauthSessions.userId, p.userId)).orderBy(oauthSessions.deviceId),
	);
	return {
		...createClients(core),
		...createCodes(core),
		...createDeviceCodes(core),
		...createConsents(core),
		addSession: core.put(catalog.insert(oauthSessions)),
		findSession: (userId, deviceId) => find({userId, deviceId}),
		listSessions: (userId) => list({userId}),
	};
}
