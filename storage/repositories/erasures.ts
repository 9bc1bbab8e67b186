import {sql} from 'drizzle-orm';
import type {UserId} from '../../crypto/index.ts';
import {build, equals} from '../catalog.ts';
import type {Core} from '../core.ts';
import type {ErasureRow, ErasuresRepository} from '../interfaces/accounts.ts';
import {tables} from '../schema/index.ts';
import {removeWaitingOfUser} from './to-device.ts';

const {erasures, memberships, receipts} = tables;

/**
 * What is kept for a person by their user id. Most of it goes with the devices; a session that is being opened while the
 * account ends must leave nothing either.
 */
const ofUser = [
	tables.accessTokens,
	tables.refreshTokens,
	tables.refreshFamilies,
	tables.oauthCodes,
	tables.oauthSessions,
	tables.loginTokens,
	tables.openidTokens,
	tables.deviceKeys,
	tables.oneTimeKeys,
	tables.oneTimeKeyUploads,
	tables.fallbackKeys,
	tables.claimedOneTimeKeys,
	tables.dehydratedDevices,
	tables.pushers,
	tables.filters,
	tables.clientTransactions,
	tables.clientTransactionEvents,
	tables.slidingSnapshots,
	tables.deviceAddresses,
	tables.webSessions,
	tables.totpSecrets,
	tables.recoveryCodes,
	tables.passkeys,
	tables.mailAddresses,
	tables.quarantinedDevices,
	tables.noticeRooms,
	tables.sourceLinks,
	tables.identities,
	tables.upstreamDevices,
] as const;

/** Makes the repository of what goes with people. */
export function createErasures(core: Core): ErasuresRepository {
	const {catalog} = core;
	const add = core.put(catalog.insert(erasures, {orIgnore: true}));
	const list = core.many<object, ErasureRow>(() => build.select().from(erasures).orderBy(erasures.userId));
	// Those that nobody has consented to are nobody's.
	const removeDeviceCodes = core.put(catalog.delete(tables.oauthDeviceCodes, ['userId']));
	const removals = [
		...ofUser.map((table) => core.put<{userId: UserId}>(catalog.delete(table, ['userId']))),
		removeWaitingOfUser(core),
	];
	// By the rooms, which the key of receipts begins with; those that the person has forgotten are among them.
	const removeReceipts = core.put(
		catalog.write<{userId: UserId}>(
			(p) => sql`delete from ${receipts} where ${equals(receipts.userId, p.userId)}
				and room_id in (select room_id from ${memberships} where ${equals(memberships.userId, p.userId)})`,
		),
	);
	const removeValidations = core.put(catalog.delete(tables.mailValidations, ['userId']));
	return {
		add: (batch, userId, pos) => add(batch, {userId, pos}),
		list: () => list({}),
		removeTraces(batch, userId) {
			for (const remove of removals) remove(batch, {userId});
			removeValidations(batch, {userId});
			removeDeviceCodes(batch, {userId});
			removeReceipts(batch, {userId});
		},
	};
}
