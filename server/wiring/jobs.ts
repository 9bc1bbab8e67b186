import {type Clock, type Engine, systemRandom} from '../../federation/engine/index.ts';
import type {Storage} from '../../storage/index.ts';
import {type JobRole, JobRunner, jobs} from '../jobs/index.ts';
import type {Services} from '../services.ts';
import type {Logger} from '../telemetry/index.ts';

/** What background jobs are run with. */
interface JobParts {
	readonly storage: Storage;
	readonly engine: Engine;
	readonly services: Pick<
		Services,
		| 'addresses'
		| 'administration'
		| 'audit'
		| 'config'
		| 'delayedEvents'
		| 'devices'
		| 'encryption'
		| 'media'
		| 'metrics'
		| 'notices'
		| 'recovery'
		| 'rooms'
		| 'secondFactor'
		| 'sourceLinks'
		| 'webSessions'
	>;
	readonly clock: Clock;
	readonly log: Pick<Logger, 'warn'>;
	/** Whose jobs this process does. */
	readonly roles: readonly JobRole[];
}

/** Builds what does the background jobs of this process; nothing runs before `start`. */
export function createJobRunner({storage, engine, services, clock, log, roles}: JobParts): JobRunner {
	const {administration, config, encryption, metrics} = services;
	const runner = new JobRunner({
		storage,
		clock,
		random: systemRandom,
		jobs: jobs.filter(({role}) => roles.includes(role)),
		services: {
			storage,
			engine,
			...services,
			deletions: administration.deletions,
			redactions: administration.redactions,
			backups: encryption.backups,
			keepAddressesDays: config.keepAddressesDays,
			onProblem: (problem) => log.warn({err: problem}, 'A background job passed something over'),
		},
		onNotice(notice) {
			if (notice.kind === 'store_failed') log.warn({err: notice.error}, 'Background jobs wait for the database');
			else log.warn({err: notice.error, job: notice.job, attempts: notice.attempts}, 'A background job failed');
		},
		observe: metrics.observeJob,
	});
	metrics.addGauge('broadsheet_jobs_running', 'Background jobs that run just now.', () => runner.running);
	return runner;
}
