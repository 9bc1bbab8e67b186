import {and, sql} from 'drizzle-orm';
import type {UserId} from '../../crypto/index.ts';
import {atMost, below, bind, build, equals} from '../catalog.ts';
import type {Core} from '../core.ts';
import type {
	FactorsRepository,
	PasskeyChallengeRow,
	PasskeyRow,
	TotpSecretRow,
	TryPacing,
} from '../interfaces/factors.ts';
import {tables} from '../schema/index.ts';
import {createAccountLock} from './account-lock.ts';
import {sweepOlder} from './sweep.ts';

const {totpSecrets: totp, recoveryCodes: codes, passkeys, passkeyChallenges: challenges} = tables;

/** Passkeys of one account that are listed. */
const PASSKEYS_MAX = 1000;

interface OfUser {
	readonly userId: UserId;
}

/** Makes the repository of second factors. */
export function createFactors(core: Core): FactorsRepository {
	return {
		count: createCount(core),
		...createTotp(core),
		...createRecoveryCodes(core),
		...createPasskeys(core),
		...createChallenges(core),
	};
}

function createCount(core: Core): FactorsRepository['count'] {
	const count = {count: sql<number>`count(*)`};
	const countTotp = core.one<OfUser, {count: number}>((p) =>
		build
			.select(count)
			.from(totp)
			.where(and(equals(totp.userId, p.userId), sql`is_confirmed = 1`)),
	);
	const countCodes = core.one<OfUser, {count: number}>((p) =>
		build.select(count).from(codes).where(equals(codes.userId, p.userId)),
	);
	const countPasskeys = core.one<OfUser, {count: number}>((p) =>
		build.select(count).from(passkeys).where(equals(passkeys.userId, p.userId)),
	);
	return async (userId) => {
		const counted = await Promise.all([countTotp({userId}), countCodes({userId}), countPasskeys({userId})]);
		const [totps = 0, recoveryCodes = 0, keys = 0] = counted.map((row) => row?.count);
		return {hasTotp: totps > 0, recoveryCodes, passkeys: keys};
	};
}

type TotpMethods = Pick<
	FactorsRepository,
	'setTotpSecret' | 'confirmTotpSecret' | 'takeTotpTry' | 'useTotpStep' | 'findTotpSecret' | 'removeTotpSecret'
>;

function createTotp(core: Core): TotpMethods {
	const {catalog} = core;
	const set = core.put(catalog.upsert(totp, ['userId'], {unless: sql`${totp}.is_confirmed = 1`}), {
		expect: {changes: 1, condition: 'totp_secret'},
	});
	const remove = core.put(catalog.delete(totp, ['userId']));
	type Step = Pick<TotpSecretRow, 'userId' | 'sealedSecret' | 'lastStep'>;
	const ofSecret = (p: {readonly [K in 'userId' | 'sealedSecret']: Parameters<typeof equals>[1]}) =>
		sql`${equals(totp.userId, p.userId)} and ${equals(totp.sealedSecret, p.sealedSecret)}`;
	const confirm = core.put(
		catalog.write<Step>(
			(p) => sql`update ${totp} set is_confirmed = 1, last_step = ${bind(totp.lastStep, p.lastStep)}
				where ${ofSecret(p)} and is_confirmed = 0`,
		),
		{expect: {changes: 1, condition: 'totp_secret'}},
	);
	const use = core.put(
		catalog.write<Step>(
			(p) => sql`update ${totp} set last_step = ${bind(totp.lastStep, p.lastStep)},
				failures = 0, wait_ms = 0, next_try_ts = 0
				where ${ofSecret(p)} and is_confirmed = 1 and ${below(totp.lastStep, p.lastStep)}`,
		),
		{expect: {changes: 1, condition: 'totp_step'}},
	);
	// The wait that was set by the try before is the one that begins now.
	const takeTry = core.put(
		catalog.write<OfUser & TryPacing & {readonly halfMs: number}>(
			(p) => sql`update ${totp} set failures = failures + 1,
				next_try_ts = ${bind(totp.nextTryTs, p.nowMs)} + wait_ms,
				wait_ms = case when failures + 1 < ${bind(totp.failures, p.freeTries)} then 0
					when wait_ms = 0 then ${bind(totp.waitMs, p.firstWaitMs)}
					when wait_ms >= ${bind(totp.waitMs, p.halfMs)} then ${bind(totp.waitMs, p.waitMsMax)}
					else wait_ms * 2 end
				where ${equals(totp.userId, p.userId)} and ${atMost(totp.nextTryTs, p.nowMs)}`,
		),
		{expect: {changes: 1, condition: 'totp_try'}},
	);
	const find = core.one<OfUser, TotpSecretRow>((p) => build.select().from(totp).where(equals(totp.userId, p.userId)));
	return {
		setTotpSecret: (batch, row) =>
			set(batch, {...row, isConfirmed: false, lastStep: -1, failures: 0, waitMs: 0, nextTryTs: 0}),
		confirmTotpSecret: (batch, userId, sealedSecret, lastStep) => confirm(batch, {userId, sealedSecret, lastStep}),
		takeTotpTry: (batch, userId, pacing) =>
			takeTry(batch, {userId, ...pacing, halfMs: Math.ceil(pacing.waitMsMax / 2)}),
		useTotpStep: (batch, userId, sealedSecret, lastStep) => use(batch, {userId, sealedSecret, lastStep}),
		findTotpSecret: (userId) => find({userId}),
		removeTotpSecret: (batch, userId) => remove(batch, {userId}),
	};
}

function createRecoveryCodes(
	core: Core,
): Pick<FactorsRepository, 'addRecoveryCode' | 'setRecoveryCodes' | 'useRecoveryCode'> {
	const {catalog} = core;
	const add = core.put(catalog.insert(codes));
	const removeAll = core.put(catalog.delete(codes, ['userId']));
	const use = core.put(catalog.delete(codes, ['userId', 'codeHash']), {
		expect: {changes: 1, condition: 'recovery_code'},
	});
	return {
		addRecoveryCode: (batch, userId, codeHash) => add(batch, {userId, codeHash}),
		setRecoveryCodes(batch, userId, codeHashes) {
			removeAll(batch, {userId});
			for (const codeHash of codeHashes) add(batch, {userId, codeHash});
		},
		useRecoveryCode: (batch, userId, codeHash) => use(batch, {userId, codeHash}),
	};
}

type PasskeyMethods = Pick<
	FactorsRepository,
	'addPasskey' | 'findPasskey' | 'listPasskeys' | 'renamePasskey' | 'removePasskey' | 'usePasskey'
>;

function createPasskeys(core: Core): PasskeyMethods {
	const {catalog} = core;
	const exists = {expect: {changes: 1, condition: 'passkey'}} as const;
	const lockAccount = createAccountLock(core);
	const add = core.put(catalog.insert(passkeys));
	const checkCount = core.put(
		catalog.write<{credentialId: string; userId: UserId; countMax: number}>(
			(p) => sql`update ${passkeys} set name = name where ${equals(passkeys.credentialId, p.credentialId)}
				and (select count(*) from ${passkeys} where ${equals(passkeys.userId, p.userId)})
				<= ${bind(passkeys.signCount, p.countMax)}`,
		),
		{expect: {changes: 1, condition: 'passkey_count'}},
	);
	const rename = core.put(catalog.update(passkeys, ['name'], ['userId', 'credentialId']), exists);
	const remove = core.put(catalog.delete(passkeys, ['userId', 'credentialId']), exists);
	type Use = Parameters<FactorsRepository['usePasskey']>[1];
	const use = core.put(
		catalog.write<Use>(
			(p) => sql`update ${passkeys} set sign_count = ${bind(passkeys.signCount, p.signCount)},
				last_used_day = ${bind(passkeys.lastUsedDay, p.lastUsedDay)}
				where ${equals(passkeys.credentialId, p.credentialId)}
				and ${equals(passkeys.signCount, p.signCountBefore)}`,
		),
		exists,
	);
	const find = core.one<{credentialId: string}, PasskeyRow>((p) =>
		build.select().from(passkeys).where(equals(passkeys.credentialId, p.credentialId)),
	);
	const list = core.many<OfUser, PasskeyRow>((p) =>
		build
			.select()
			.from(passkeys)
			.where(equals(passkeys.userId, p.userId))
			.orderBy(passkeys.credentialId)
			.limit(PASSKEYS_MAX),
	);
	return {
		addPasskey(batch, row, countMax) {
			// What another process has added meanwhile is seen by a statement that begins when the account is held.
			lockAccount(batch, row.userId);
			add(batch, row);
			checkCount(batch, {credentialId: row.credentialId, userId: row.userId, countMax});
		},
		findPasskey: (credentialId) => find({credentialId}),
		listPasskeys: (userId) => list({userId}),
		renamePasskey: (batch, userId, credentialId, name) => rename(batch, {userId, credentialId, name}),
		removePasskey: (batch, userId, credentialId) => remove(batch, {userId, credentialId}),
		usePasskey: use,
	};
}

type ChallengeMethods = Pick<
	FactorsRepository,
	'setPasskeyChallenge' | 'findPasskeyChallenge' | 'usePasskeyChallenge' | 'sweepPasskeyChallenges'
>;

function createChallenges(core: Core): ChallengeMethods {
	const {catalog} = core;
	const set = core.put(catalog.upsert(challenges, ['session', 'purpose']));
	const use = core.put(catalog.delete(challenges, ['session', 'purpose', 'challenge']), {
		expect: {changes: 1, condition: 'passkey_challenge'},
	});
	const find = core.one<Pick<PasskeyChallengeRow, 'session' | 'purpose'>, PasskeyChallengeRow>((p) =>
		build
			.select()
			.from(challenges)
			.where(and(equals(challenges.session, p.session), equals(challenges.purpose, p.purpose))),
	);
	return {
		setPasskeyChallenge: set,
		findPasskeyChallenge: (session, purpose) => find({session, purpose}),
		usePasskeyChallenge: (batch, {session, purpose, challenge}) => use(batch, {session, purpose, challenge}),
		sweepPasskeyChallenges: sweepOlder(core, challenges, challenges.expiresTs),
	};
}
