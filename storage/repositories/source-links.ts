import {sql} from 'drizzle-orm';
import type {UserId} from '../../crypto/index.ts';
import {above, bind, build, equals} from '../catalog.ts';
import type {Core} from '../core.ts';
import type {SourceLinkRow, SourceLinksRepository, SourceRow} from '../interfaces/source-links.ts';
import {tables} from '../schema/index.ts';
import {pageOf} from './page.ts';
import {sweepOlder} from './sweep.ts';

const {sourceLinks, sources} = tables;

/** More than anybody may have. */
const LISTED_MAX = 1000;

function createSources(core: Core) {
	const {catalog} = core;
	const add = core.put(catalog.insert(sources));
	const remove = core.put(catalog.delete(sources, ['userId']));
	const setOwnerTold = core.put(catalog.update(sources, ['isOwnerTold'], ['userId']));
	const find = core.one<{userId: UserId}, SourceRow>((p) =>
		build.select().from(sources).where(equals(sources.userId, p.userId)),
	);
	const listOf = core.many<{owner: UserId}, SourceRow>((p) =>
		build
			.select()
			.from(sources)
			.where(equals(sources.owner, p.owner))
			.orderBy(sources.endsTs, sources.userId)
			.limit(LISTED_MAX),
	);
	const list = core.many<{after: string; limit: number}, SourceRow>((p) =>
		build
			.select()
			.from(sources)
			.where(above(sources.userId, p.after))
			.orderBy(sources.userId)
			.limit(p.limit.placeholder),
	);
	return {add, remove, setOwnerTold, find, listOf, list};
}

/** Makes the repository of source links and the accounts that they have given. */
export function createSourceLinks(core: Core): SourceLinksRepository {
	const {catalog} = core;
	const addLink = core.put(catalog.insert(sourceLinks));
	const removeLink = core.put(catalog.delete(sourceLinks, ['userId', 'linkId']));
	const redeemLink = core.put(
		catalog.write<{linkId: string; nowMs: number}>(
			(p) => sql`update ${sourceLinks} set uses_done = uses_done + 1
				where ${equals(sourceLinks.linkId, p.linkId)} and uses_done < uses_allowed
				and expires_ts > ${bind(sourceLinks.expiresTs, p.nowMs)}`,
		),
		{expect: {changes: 1, condition: 'source_link'}},
	);
	const findLink = core.one<{linkId: string}, SourceLinkRow>((p) =>
		build.select().from(sourceLinks).where(equals(sourceLinks.linkId, p.linkId)),
	);
	const listLinksOf = core.many<{userId: UserId}, SourceLinkRow>((p) =>
		build
			.select()
			.from(sourceLinks)
			.where(equals(sourceLinks.userId, p.userId))
			.orderBy(sourceLinks.expiresTs, sourceLinks.linkId)
			.limit(LISTED_MAX),
	);
	const accounts = createSources(core);
	return {
		addLink,
		redeemLink: (batch, linkId, nowMs) => redeemLink(batch, {linkId, nowMs}),
		removeLink: (batch, userId, linkId) => removeLink(batch, {userId, linkId}),
		findLink: (linkId) => findLink({linkId}),
		listLinksOf: (userId) => listLinksOf({userId}),
		sweepLinks: sweepOlder(core, sourceLinks, sourceLinks.expiresTs),
		addSource: accounts.add,
		removeSource: (batch, userId) => accounts.remove(batch, {userId}),
		setOwnerTold: (batch, userId) => accounts.setOwnerTold(batch, {userId, isOwnerTold: true}),
		findSource: (userId) => accounts.find({userId}),
		listSourcesOf: (owner) => accounts.listOf({owner}),
		listSources: ({after, limit}) => accounts.list({after: after ?? '', limit: pageOf(limit)}),
	};
}
