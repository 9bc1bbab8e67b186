import {and, desc} from 'drizzle-orm';
import {above, below, build, equals} from '../catalog.ts';
import type {Core} from '../core.ts';
import type {
	AdministrativeTaskRow,
	AdministrativeTasksRepository,
	AuditRepository,
	AuditRow,
	AuditSeal,
} from '../interfaces/audit.ts';
import {tables} from '../schema/index.ts';
import {pageOf} from './page.ts';
import {sweepOlder} from './sweep.ts';

const {administrativeTasks: tasks, auditEntries: entries, auditSeals: seals} = tables;

/** Makes the repository of what administrators did, and what writes an entry as it is. */
export function createAudit(core: Core) {
	const list = core.many<{after: number; limit: number}, AuditRow>((p) =>
		build
			.select()
			.from(entries)
			.where(above(entries.position, p.after))
			.orderBy(entries.position)
			.limit(p.limit.placeholder),
	);
	const listNewest = core.many<{before: number; limit: number}, AuditRow>((p) =>
		build
			.select()
			.from(entries)
			.where(below(entries.position, p.before))
			.orderBy(desc(entries.position))
			.limit(p.limit.placeholder),
	);
	const findLast = core.one<object, AuditRow>(() =>
		build.select().from(entries).orderBy(desc(entries.position)).limit(1),
	);
	const findLastSeal = core.one<object, AuditSeal>(() =>
		build.select().from(seals).orderBy(desc(seals.position)).limit(1),
	);
	const listSeals = core.many<{after: number; limit: number}, AuditSeal>((p) =>
		build.select().from(seals).where(above(seals.position, p.after)).orderBy(seals.position).limit(p.limit.placeholder),
	);
	const audit: AuditRepository = {
		append: (batch, entry) => batch.auditEntries.push(entry),
		list: ({after, limit}) => list({after, limit: pageOf(limit)}),
		listNewest: ({before, limit}) => listNewest({before, limit: pageOf(limit)}),
		findLast: () => findLast({}),
		addSeal: core.put(core.catalog.insert(seals, {orIgnore: true})),
		findLastSeal: () => findLastSeal({}),
		listSeals: ({after, limit}) => listSeals({after, limit: pageOf(limit)}),
	};
	return {audit, insert: core.put(core.catalog.insert(entries))};
}

/** Tasks about one room or user that are listed. */
const listedMax = 1000;

/** Makes the repository of long work. */
export function createAdministrativeTasks(core: Core): AdministrativeTasksRepository {
	const find = core.one<{taskId: string}, AdministrativeTaskRow>((p) =>
		build.select().from(tasks).where(equals(tasks.taskId, p.taskId)),
	);
	const listOfSubject = core.many<Pick<AdministrativeTaskRow, 'kind' | 'subject'>, AdministrativeTaskRow>((p) =>
		build
			.select()
			.from(tasks)
			.where(and(equals(tasks.subject, p.subject), equals(tasks.kind, p.kind)))
			.orderBy(desc(tasks.changedTs))
			.limit(listedMax),
	);
	return {
		set: core.put(core.catalog.upsert(tasks, ['taskId'])),
		find: (taskId) => find({taskId}),
		listOfSubject: (kind, subject) => listOfSubject({kind, subject}),
		sweep: sweepOlder(core, tasks, tasks.changedTs),
	};
}
