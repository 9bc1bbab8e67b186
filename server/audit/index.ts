export {type Audit, type AuditDependencies, createAudit} from './audit.ts';
export {
	type AuditAct,
	type AuditActName,
	type AuditActor,
	CONSOLE,
	type ReadEntry,
	SHARED_SECRET,
	toEntry,
} from './entry.ts';
