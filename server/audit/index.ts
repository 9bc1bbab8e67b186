export {type Audit, type AuditDependencies, createAudit} from './audit.ts';
export {
	type AuditAct,
	type AuditActName,
	type AuditActor,
	CONSOLE,
	type ReadEntry,
	SERVER,
	SHARED_SECRET,
	SOURCE,
	toEntry,
} from './entry.ts';
