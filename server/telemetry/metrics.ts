import {collectDefaultMetrics, Counter, Gauge, Histogram, Registry} from 'prom-client';
import type {RequestObserver} from '../http/index.ts';

/** What the server measures of itself. */
export interface Metrics {
	readonly contentType: string;
	/** Adds a measure, named `broadsheet_…`, that is read whenever the metrics are asked for. */
	addGauge(name: string, help: string, read: () => number): void;
	render(): Promise<string>;
	/** Counts an answered request. */
	readonly observeRequest: RequestObserver;
	/** Counts a run of a background job. */
	readonly observeJob: JobObserver;
}

/** Is told of every run of a background job: how it ended, how long it took, and how much it did. */
export type JobObserver = (job: string, result: string, durationMs: number, count: number) => void;

const durationBucketsSeconds = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30];

/** Makes the registry with the measures of the process and of HTTP. */
export function makeMetrics(): Metrics {
	const registry = new Registry();
	collectDefaultMetrics({register: registry});
	const requests = new Counter({
		name: 'broadsheet_http_requests_total',
		help: 'Requests answered, by the operation of the specification and status.',
		labelNames: ['operation', 'status'],
		registers: [registry],
	});
	const durations = new Histogram({
		name: 'broadsheet_http_request_seconds',
		help: 'Time from the head of a request to its answer, by operation; long polls wait in here.',
		labelNames: ['operation'],
		buckets: durationBucketsSeconds,
		registers: [registry],
	});
	new Gauge({
		name: 'broadsheet_start_time_seconds',
		help: 'When the process started, in seconds since the Unix epoch.',
		registers: [registry],
	}).setToCurrentTime();
	const observeJob = countJobs(registry);
	const counters = new Map<string, Counter.Internal>();
	const histograms = new Map<string, Histogram.Internal<'operation'>>();
	return {
		contentType: registry.contentType,
		addGauge(name, help, read) {
			const gauge: Gauge = new Gauge({name, help, registers: [registry], collect: () => gauge.set(read())});
		},
		render: () => registry.metrics(),
		observeJob,
		observeRequest: (operation, _method, status, durationMs) => {
			// Labelled children are kept: looking one up by its labels costs more than counting.
			const key = `${operation} ${status}`;
			let counter = counters.get(key);
			if (counter === undefined) {
				counter = requests.labels({operation, status: String(status)});
				counters.set(key, counter);
			}
			counter.inc();
			let histogram = histograms.get(operation);
			if (histogram === undefined) {
				histogram = durations.labels({operation});
				histograms.set(operation, histogram);
			}
			histogram.observe(durationMs / 1000);
		},
	};
}

function countJobs(registry: Registry): JobObserver {
	const registers = [registry];
	const runs = new Counter({
		name: 'broadsheet_job_runs_total',
		help: 'Runs of background jobs, by job and how they ended: done, continued, failed, lost.',
		labelNames: ['job', 'result'],
		registers,
	});
	const seconds = new Counter({
		name: 'broadsheet_job_seconds_total',
		help: 'Time from the beginning of a run to its end, rests included.',
		labelNames: ['job'],
		registers,
	});
	const items = new Counter({
		name: 'broadsheet_job_items_total',
		help: 'What background jobs have done, in what each of them counts.',
		labelNames: ['job'],
		registers,
	});
	return (job, result, durationMs, count) => {
		runs.inc({job, result});
		seconds.inc({job}, durationMs / 1000);
		items.inc({job}, count);
	};
}
