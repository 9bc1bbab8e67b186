import type {JsonObject} from '../../crypto/index.ts';
import type {Engine} from '../../federation/engine/index.ts';
import type {Batch, Storage} from '../../storage/index.ts';
import type {Administration} from '../administration/index.ts';
import type {Audit} from '../audit/index.ts';
import type {Addresses} from '../addresses/index.ts';
import type {DelayedEvents} from '../delayed-events/index.ts';
import type {Devices} from '../devices/index.ts';
import type {KeyBackups} from '../encryption/index.ts';
import type {Media} from '../media/index.ts';
import type {Notices} from '../notices/index.ts';
import type {Recovery} from '../recovery/index.ts';
import type {Rooms} from '../rooms/index.ts';
import type {SecondFactor} from '../second-factor/index.ts';
import type {SourceLinks} from '../source-links/index.ts';
import type {WebSessions} from '../web-sessions/index.ts';

/** Lengths of time that jobs count in. */
export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** Which processes do a job: those that do what nobody waits for, or those that have the files of media. */
export type JobRole = 'background' | 'media';

/** What jobs work with. */
export interface JobServices {
	readonly storage: Storage;
	readonly addresses: Pick<Addresses, 'mailLink'>;
	readonly audit: Pick<Audit, 'seal'>;
	readonly backups: Pick<KeyBackups, 'removeLeft'>;
	readonly engine: Pick<Engine, 'completeRoom' | 'findRoom'>;
	readonly deletions: Pick<Administration['deletions'], 'work'>;
	readonly delayedEvents: Pick<DelayedEvents, 'deliverDue'>;
	readonly devices: Pick<Devices, 'remove'>;
	readonly media: Pick<Media, 'evictRemote' | 'forgetContent' | 'removeAbandoned' | 'removeUnused'>;
	readonly notices: Pick<Notices, 'mailNotice' | 'tellSessions'>;
	readonly redactions: Pick<Administration['redactions'], 'work'>;
	readonly recovery: Pick<Recovery, 'mailLinks'>;
	readonly rooms: Pick<Rooms, 'leave'>;
	readonly secondFactor: Pick<SecondFactor, 'tellOfPassword'>;
	readonly sourceLinks: Pick<SourceLinks, 'endDue'>;
	readonly webSessions: Pick<WebSessions, 'findGivenUp'>;
	/** For how many days it is kept where devices were last seen from. */
	readonly keepAddressesDays: number;
	/** Told of what a job passed over. */
	readonly onProblem: (problem: unknown) => void;
}

/** One run of a job, as the job sees it. */
export interface JobRun {
	/** Which of several jobs of one kind it is; empty for those that run again and again. */
	readonly key: string;
	/** What the change that added it, or the run before, has left for this one. */
	readonly payload: JsonObject;
	/** The time at which it began, in milliseconds since the Unix epoch. */
	readonly nowMs: number;
	/**
	 * To be awaited between pages: others get their turn, and a rest that keeps the job to a part of the time. False when
	 * the run is to end: the process stops, another one has the job, or a run may not take longer.
	 */
	goOn(): Promise<boolean>;
}

/** What a run has come to. */
export interface JobOutcome {
	/** Whether there is nothing left to do for now; otherwise the job goes on after a while. */
	readonly isDone: boolean;
	/** How much was done, in whatever the job counts. */
	readonly count: number;
	/** Milliseconds until it goes on, where it is not done; absent: some seconds. */
	readonly inMs?: number;
	/** What the next run is given; absent: what this one was given. */
	readonly payload?: JsonObject;
	/** Written in the commit that says so. */
	readonly alsoWrite?: (batch: Batch) => void;
}

/** A background job: all that is true of it. */
export interface Job {
	/** Names its rows in the database, its metrics, and its file. */
	readonly id: string;
	/** One sentence. */
	readonly does: string;
	/** From one run to the next, in milliseconds; `null`: once, whenever a change adds it to its batch. */
	readonly everyMs: number | null;
	/** What one run does at most. */
	readonly atMost: string;
	readonly role: JobRole;
	/** Does a bounded part of the work. Whatever it throws is logged, and the job is run again after a while. */
	run(services: JobServices, run: JobRun): Promise<JobOutcome>;
}
