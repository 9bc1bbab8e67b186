import type {Config} from './config/index.ts';
import type {Metrics} from './telemetry/index.ts';

/** What handlers may use: the domains, each built once by main. */
export interface Services {
	readonly config: Config;
	readonly metrics: Metrics;
	/** Whether the server can do its work; what `/health` answers. */
	readonly health: () => Health;
}

/** How the server is: `ok`, or degraded with the reason in one word for each part that is not well. */
export interface Health {
	readonly status: 'ok' | 'degraded';
	readonly problems: readonly string[];
}
