import {systemClock} from '../federation/engine/index.ts';
import type {Storage} from '../storage/index.ts';
import {errorMappers, routeTables} from './api/index.ts';
import type {Config} from './config/index.ts';
import {budgets, type HttpServer, LoadGate, startHttpServer} from './http/index.ts';
import {type DomainSurroundings, openServices} from './open-services.ts';
import {planProcess} from './roles.ts';
import type {Services} from './services.ts';
import {type Logger, LoopMeter} from './telemetry/index.ts';
import {
	createJobRunner,
	createUserAuthenticator,
	publishFigures,
	storageErrorMapper,
	withLoad,
} from './wiring/index.ts';

/** What a whole server may be given in place of the machine's own. */
export interface Surroundings extends DomainSurroundings {
	/** How late the event loop is, in milliseconds. */
	readonly readLateMs?: () => number;
}

/** A running server. */
export interface Application {
	readonly http: HttpServer;
	readonly services: Services;
	readonly storage: Storage;
	/** Stops taking requests, lets those under way end, and closes everything in the reverse order of its start. */
	stop(): Promise<void>;
}

/** Builds every part of the server once, in the order of their layers, and starts it. */
export async function startApplication(
	config: Config,
	log: Logger,
	surroundings: Surroundings = {},
): Promise<Application> {
	const plan = planProcess(config);
	const opened = await openServices(config, {
		...surroundings,
		log,
		onProblem: (problem) => log.warn({err: problem}, 'The database has a problem'),
	});
	const {storage} = opened;
	const meter = new LoopMeter();
	// Who wants no limits measures, or tests: nothing is refused.
	const {readLateMs = () => meter.lateMs} = surroundings;
	const load = new LoadGate(config.rateLimits === 'off' ? undefined : readLateMs);
	const isLate = (): boolean => readLateMs() > budgets['sign-in'].lateMsMax;
	const services: Services = {...opened.services, health: withLoad(opened.services.health, isLate)};
	publishFigures(services.metrics, storage, {...opened.federation, load, meter, facts: services.facts});
	const jobs = createJobRunner({
		storage,
		engine: opened.federation.engine,
		services,
		clock: surroundings.clock ?? systemClock,
		log,
		roles: (['background', 'media'] as const).filter((role) => plan.runs.has(`${role} jobs`)),
	});
	let http: HttpServer | undefined;
	const stop = async (): Promise<void> => {
		await Promise.all([http?.stop(), jobs.stop()]);
		meter.stop();
		await opened.close();
	};
	try {
		http = await startHttpServer({
			listeners: config.listeners,
			// With federation off there is nothing to ask for, keys included.
			tables: routeTables.filter(
				({part, serves}) => plan.serves.has(part) && (serves !== 'federation' || config.federation.mode !== 'off'),
			),
			services,
			authenticators: {
				user: createUserAuthenticator(services),
				server: opened.federation.authenticate,
			},
			errorMappers: [...errorMappers, storageErrorMapper(opened.damage)],
			rateLimits: config.rateLimits,
			load,
			now: () => (surroundings.clock ?? systemClock).monotonic(),
			trustedProxies: config.trustedProxies,
			log,
			observe: services.metrics.observeRequest,
		});
		await opened.federation.start({sends: plan.runs.has('sender'), drains: plan.runs.has('staging')});
		await jobs.start();
		if (plan.runs.has('push delivery')) await opened.pushDelivery.start();
		if (plan.runs.has('search index')) services.search.follow();
		return {http, services, storage, stop};
	} catch (error) {
		await stop();
		throw error;
	}
}
