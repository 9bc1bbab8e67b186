import {type Clock, type Engine, systemRandom} from '../../federation/engine/index.ts';
import {postPublic} from '../../federation/outbound/index.ts';
import type {Storage} from '../../storage/index.ts';
import {Delivery} from '../pushers/index.ts';
import type {Services} from '../services.ts';
import type {Logger} from '../telemetry/index.ts';
import type {Federation} from './federation.ts';

/** An answer is a list of some pushkeys; whoever sends more, or takes longer, is no gateway. */
const ANSWER_LIMITS = {sizeBytesMax: 65_536, totalTimeoutMs: 30_000};

/** Builds what tells push gateways; nothing is sent before it is started. */
export function wirePush({
	storage,
	engine,
	services: {events, sync},
	clock,
	log,
	federation: {network},
}: {
	readonly storage: Storage;
	readonly engine: Engine;
	readonly services: Pick<Services, 'events' | 'sync'>;
	readonly clock: Clock;
	readonly log: Pick<Logger, 'warn'>;
	readonly federation: Pick<Federation, 'network'>;
}): Delivery {
	return new Delivery({
		storage,
		engine,
		events,
		clock,
		random: systemRandom,
		judge: (userId, event) => sync.judge(userId, event),
		countUnread: (userId) => sync.countUnread(userId),
		post: (url, body, signal) => postPublic(network, url, body, ANSWER_LIMITS, signal),
		onProblem: (cause) => log.warn({err: cause}, 'Push notifications are held up'),
	});
}
