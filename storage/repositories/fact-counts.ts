import {and, desc, sql} from 'drizzle-orm';
import {build, equals} from '../catalog.ts';
import type {Core} from '../core.ts';
import type {FactCountRow, FactCountsRepository} from '../interfaces/accounts.ts';
import {tables} from '../schema/index.ts';
import {pageOf} from './page.ts';
import {sweepOlder} from './sweep.ts';

const {factCounts} = tables;

/** Makes the repository of what is learnt about people. */
export function createFactCounts(core: Core): FactCountsRepository {
	const add = core.put(
		core.catalog.insertOrUpdate(factCounts, ['kind', 'name', 'day'], {
			learnt: sql`${factCounts}.learnt + excluded.learnt`,
			refused: sql`${factCounts}.refused + excluded.refused`,
			probes: sql`${factCounts}.probes + excluded.probes`,
		}),
	);
	const find = core.one<Pick<FactCountRow, 'kind' | 'name' | 'day'>, FactCountRow>((p) =>
		build
			.select()
			.from(factCounts)
			.where(and(equals(factCounts.kind, p.kind), equals(factCounts.name, p.name), equals(factCounts.day, p.day))),
	);
	const listOfDay = core.many<{day: number; limit: number}, FactCountRow>((p) =>
		build
			.select()
			.from(factCounts)
			.where(equals(factCounts.day, p.day))
			.orderBy(desc(sql`${factCounts.refused} + ${factCounts.probes}`), factCounts.kind, factCounts.name)
			.limit(p.limit.placeholder),
	);
	return {
		add,
		find: (kind, name, day) => find({kind, name, day}),
		listOfDay: (day, limit) => listOfDay({day, limit: pageOf(limit)}),
		sweep: sweepOlder(core, factCounts, factCounts.day),
	};
}
