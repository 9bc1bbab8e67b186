import {sql} from 'drizzle-orm';
import type {DeviceId, RoomId, UserId} from '../../crypto/index.ts';
import {above, below, bind, build, equals, type Value} from '../catalog.ts';
import type {Core} from '../core.ts';
import type {
	MailAddressesRepository,
	MailAddressRow,
	MailBucket,
	MailValidationRow,
	MailValidationsRepository,
	NoticeRoomsRepository,
	QuarantinedDeviceRow,
	QuarantinedDevicesRepository,
} from '../interfaces/guard.ts';
import {tables} from '../schema/index.ts';
import {pageOf} from './page.ts';
import {sweepOlder} from './sweep.ts';

const {mailAddresses, mailValidations, noticeRooms, quarantinedDevices} = tables;

/** Makes the repository of e-mail addresses. */
export function createMailAddresses(core: Core): MailAddressesRepository {
	const {catalog} = core;
	const remove = core.put(catalog.delete(mailAddresses, ['userId']));
	const find = core.one<{userId: UserId}, MailAddressRow>((p) =>
		build.select().from(mailAddresses).where(equals(mailAddresses.userId, p.userId)),
	);
	const listOfAddress = core.many<{canonical: string; limit: number}, MailAddressRow>((p) =>
		build
			.select()
			.from(mailAddresses)
			.where(equals(mailAddresses.canonical, p.canonical))
			.orderBy(mailAddresses.userId)
			.limit(p.limit.placeholder),
	);
	return {
		set: core.put(catalog.upsert(mailAddresses, ['userId'])),
		remove: (batch, userId) => remove(batch, {userId}),
		find: (userId) => find({userId}),
		listOfAddress: (canonical, limit) => listOfAddress({canonical, limit: pageOf(limit)}),
	};
}

const once = {expect: {changes: 1, condition: 'mail_validation'}} as const;

/** Makes the repository of links that were sent to addresses. */
export function createMailValidations(core: Core): MailValidationsRepository {
	const {catalog} = core;
	const lasts = (p: {readonly nowMs: Value<number>}) => above(mailValidations.expiresTs, p.nowMs);
	const addFailure = core.put(
		catalog.write<{sid: string; failuresMax: number}>(
			(p) => sql`update ${mailValidations} set failures = failures + 1
				where ${equals(mailValidations.sid, p.sid)} and ${below(mailValidations.failures, p.failuresMax)}`,
		),
		once,
	);
	const confirm = core.put(
		catalog.write<{tokenHash: string; nowMs: number}>(
			(p) => sql`update ${mailValidations} set is_confirmed = 1, token_hash = null
				where ${equals(mailValidations.tokenHash, p.tokenHash)} and ${lasts(p)}`,
		),
		once,
	);
	const redeemToken = core.put(
		catalog.write<{tokenHash: string; nowMs: number}>(
			(p) => sql`delete from ${mailValidations}
				where ${equals(mailValidations.tokenHash, p.tokenHash)} and ${lasts(p)}`,
		),
		once,
	);
	const redeemConfirmed = core.put(
		catalog.write<{sid: string; nowMs: number}>(
			(p) => sql`delete from ${mailValidations}
				where ${equals(mailValidations.sid, p.sid)} and is_confirmed = 1 and ${lasts(p)}`,
		),
		once,
	);
	const removeOfUser = core.put(catalog.delete(mailValidations, ['userId']));
	const find = core.one<{sid: string}, MailValidationRow>((p) =>
		build.select().from(mailValidations).where(equals(mailValidations.sid, p.sid)),
	);
	const findByToken = core.one<{tokenHash: string}, MailValidationRow>((p) =>
		build.select().from(mailValidations).where(equals(mailValidations.tokenHash, p.tokenHash)),
	);
	// Of some hundreds at most: what has ended is swept every hour.
	const count = core.one<{address: string; bucket: MailBucket; beyondTs: number}, {count: number}>((p) =>
		build
			.select({count: sql<number>`cast(coalesce(sum(${mailValidations.mails}), 0) as bigint)`})
			.from(mailValidations)
			.where(
				sql`lower(${mailValidations.address}) = lower(${bind(mailValidations.address, p.address)})
					and ${above(mailValidations.expiresTs, p.beyondTs)}
					and case when ${mailValidations.userId} is null then 'anybody'
						when ${mailValidations.purpose} = 'address' then 'people'
						else ${mailValidations.userId} end = ${bind(mailValidations.sid, p.bucket)}`,
			),
	);
	return {
		set: core.put(catalog.upsert(mailValidations, ['sid'])),
		find: (sid) => find({sid}),
		findByToken: (tokenHash) => findByToken({tokenHash}),
		addFailure: (batch, sid, failuresMax) => addFailure(batch, {sid, failuresMax}),
		confirm: (batch, tokenHash, nowMs) => confirm(batch, {tokenHash, nowMs}),
		redeemToken: (batch, tokenHash, nowMs) => redeemToken(batch, {tokenHash, nowMs}),
		redeemConfirmed: (batch, sid, nowMs) => redeemConfirmed(batch, {sid, nowMs}),
		removeOfUser: (batch, userId) => removeOfUser(batch, {userId}),
		countMails: async (address, options) => (await count({address, ...options}))?.count ?? 0,
		sweep: sweepOlder(core, mailValidations, mailValidations.expiresTs),
	};
}

/** Makes the repository of sessions that wait for approval. */
export function createQuarantinedDevices(core: Core): QuarantinedDevicesRepository {
	const {catalog} = core;
	type Key = {userId: UserId; deviceId: DeviceId};
	const remove = core.put(catalog.delete(quarantinedDevices, ['userId', 'deviceId', 'sinceTs']), {
		expect: {changes: 1, condition: 'quarantined_device'},
	});
	const redeemCode = core.put(catalog.delete(quarantinedDevices, ['codeHash']), {
		expect: {changes: 1, condition: 'quarantined_device'},
	});
	const find = core.one<Key, QuarantinedDeviceRow>((p) =>
		build
			.select()
			.from(quarantinedDevices)
			.where(
				sql`${equals(quarantinedDevices.userId, p.userId)} and ${equals(quarantinedDevices.deviceId, p.deviceId)}`,
			),
	);
	const findByCode = core.one<{codeHash: string}, QuarantinedDeviceRow>((p) =>
		build.select().from(quarantinedDevices).where(equals(quarantinedDevices.codeHash, p.codeHash)),
	);
	const listOfUser = core.many<{userId: UserId}, QuarantinedDeviceRow>((p) =>
		build
			.select()
			.from(quarantinedDevices)
			.where(equals(quarantinedDevices.userId, p.userId))
			.orderBy(quarantinedDevices.deviceId),
	);
	return {
		set: core.put(catalog.upsert(quarantinedDevices, ['userId', 'deviceId'])),
		setCode: core.put(catalog.update(quarantinedDevices, ['codeHash'], ['userId', 'deviceId'])),
		remove: (batch, {userId, deviceId, sinceTs}) => remove(batch, {userId, deviceId, sinceTs}),
		redeemCode: (batch, codeHash) => redeemCode(batch, {codeHash}),
		find: (userId, deviceId) => find({userId, deviceId}),
		findByCode: (codeHash) => findByCode({codeHash}),
		listOfUser: (userId) => listOfUser({userId}),
	};
}

/** Makes the repository of the rooms in which people are told of their accounts. */
export function createNoticeRooms(core: Core): NoticeRoomsRepository {
	const set = core.put(core.catalog.upsert(noticeRooms, ['userId']));
	const find = core.one<{userId: UserId}, {roomId: RoomId}>((p) =>
		build.select({roomId: noticeRooms.roomId}).from(noticeRooms).where(equals(noticeRooms.userId, p.userId)),
	);
	const findUser = core.one<{roomId: RoomId}, {userId: UserId}>((p) =>
		build
			.select({userId: noticeRooms.userId})
			.from(noticeRooms)
			.where(sql`${noticeRooms.roomId} = ${bind(noticeRooms.roomId, p.roomId)}`),
	);
	return {
		set: (batch, userId, roomId) => set(batch, {userId, roomId}),
		find: async (userId) => (await find({userId}))?.roomId,
		findUser: async (roomId) => (await findUser({roomId}))?.userId,
	};
}
