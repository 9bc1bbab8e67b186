import {HOUR_MS, type Job} from './job.ts';

export const sealAuditLog: Job = {
	id: 'seal-audit-log',
	does: 'Signs that the last entry of the audit log is there.',
	everyMs: HOUR_MS,
	atMost: 'one signature',
	role: 'background',
	run: async ({audit}) => ({isDone: true, count: await audit.seal()}),
};
