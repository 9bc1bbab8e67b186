import {and, asc, desc, sql} from 'drizzle-orm';
import {bind, build, equals, type Values} from '../catalog.ts';
import {type Core, freshId} from '../core.ts';
import type {ReportQuery, ReportRow, ReportsRepository} from '../interfaces/search.ts';
import {tables} from '../schema/index.ts';
import {pageOf} from './page.ts';

const {reports} = tables;

/** A question as the statements take it: what is not asked is empty. */
interface Question {
	kind: string;
	reporter: string;
	roomId: string;
	target: string;
}

const questionOf = ({kind, reporter, roomId, target}: ReportQuery): Question => ({
	kind: kind ?? '',
	reporter: reporter ?? '',
	roomId: roomId ?? '',
	target: target ?? '',
});

function matches(p: Values<Question>) {
	return and(
		...(['kind', 'reporter', 'roomId', 'target'] as const).map(
			(key) => sql`(${bind(reports.target, p[key])} = '' or ${reports[key]} = ${bind(reports.target, p[key])})`,
		),
	);
}

/** Makes the repository of complaints. */
export function createReports(core: Core): ReportsRepository {
	const {catalog} = core;
	const add = core.put(catalog.insert(reports));
	const list = (isOldestFirst: boolean) =>
		core.many<Question & {offset: number; limit: number}, ReportRow>((p) =>
			build
				.select()
				.from(reports)
				.where(matches(p))
				.orderBy(isOldestFirst ? asc(reports.id) : desc(reports.id))
				.limit(p.limit.placeholder)
				.offset(p.offset.placeholder),
		);
	const lists = {oldest: list(true), newest: list(false)};
	const count = core.one<Question, {count: number}>((p) =>
		build.select({count: sql<number>`count(*)`}).from(reports).where(matches(p)),
	);
	const find = core.one<{id: number}, ReportRow>((p) => build.select().from(reports).where(equals(reports.id, p.id)));
	const remove = core.put(catalog.delete(reports, ['id']), {expect: {changes: 1, condition: 'report'}});
	return {
		add: (batch, report) => add(batch, {...report, id: freshId}),
		list: (query, {offset = 0, isOldestFirst = false, limit}) =>
			lists[isOldestFirst ? 'oldest' : 'newest']({...questionOf(query), offset, limit: pageOf(limit)}),
		count: async (query) => (await count(questionOf(query)))?.count ?? 0,
		find: (id) => find({id}),
		remove: (batch, id) => remove(batch, {id}),
	};
}
