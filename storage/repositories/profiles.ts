import {and, isNotNull, isNull, sql} from 'drizzle-orm';
import type {JsonValue, UserId} from '../../crypto/index.ts';
import {above, bind, build} from '../catalog.ts';
import type {Core} from '../core.ts';
import type {ProfilesRepository} from '../interfaces/accounts.ts';
import {tables} from '../schema/index.ts';
import {pageOf, readInChunks} from './page.ts';
import {sweepOlder} from './sweep.ts';

const {profiles} = tables;

/** Makes the repository of profiles. */
export function createProfiles(core: Core): ProfilesRepository {
	const {catalog} = core;
	const set = core.put(catalog.upsert(profiles, ['userId', 'key']));
	const findMany = core.many<{userIds: readonly UserId[]}, {userId: UserId; key: string; value: JsonValue}>((p) =>
		build
			.select({userId: profiles.userId, key: profiles.key, value: profiles.value})
			.from(profiles)
			.where(and(catalog.isOneOf(profiles.userId, p.userIds), isNotNull(profiles.value))),
	);
	const search = core.many<{pattern: string; after: string; limit: number}, {userId: UserId}>((p) =>
		build
			.selectDistinct({userId: profiles.userId})
			.from(profiles)
			.where(
				and(
					above(profiles.userId, p.after),
					sql`(lower(${profiles.userId}) like ${bind(profiles.userId, p.pattern)} escape '!'
						or (${profiles.key} = 'displayname' and lower(${profiles.value}) like ${bind(profiles.userId, p.pattern)} escape '!'))`,
				),
			)
			.orderBy(profiles.userId)
			.limit(p.limit.placeholder),
	);
	const readMany = async (userIds: readonly UserId[]) => {
		const found = new Map<UserId, Record<string, JsonValue>>();
		for (const {userId, key, value} of await readInChunks(userIds, (chunk) => findMany({userIds: chunk}))) {
			const fields = found.get(userId) ?? (Object.create(null) as Record<string, JsonValue>);
			fields[key] = value;
			found.set(userId, fields);
		}
		return found;
	};
	return {
		set: (batch, userId, key, value, pos) => set(batch, {userId, key, value: value ?? null, pos}),
		find: async (userId) => (await readMany([userId])).get(userId) ?? {},
		findMany: readMany,
		async search(text, {after, limit}) {
			const pattern = `%${text.toLowerCase().replaceAll(/[!%_]/g, '!$&')}%`;
			return (await search({pattern, after: after ?? '', limit: pageOf(limit)})).map(({userId}) => userId);
		},
		sweepRemoved: sweepOlder(core, profiles, profiles.pos, isNull(profiles.value)),
	};
}
